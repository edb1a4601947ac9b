// Canned people and what they have written. Test-only.
import type { Chat, Device, Knock, LinkState, Member, Message, Server } from '../app/api';

export const now = Date.now();
const min = 60_000;
export const day = 24 * 60 * min;

export const iso = (ago: number) => new Date(now - ago * day).toISOString().slice(0, 10);

export const me = { person: 'p-me', name: 'Mina', origin: location.origin };

let index = 0;
type Draft = Partial<Message> & { from: string };
function message(chat: string, at: number, d: Draft): Message {
  const own = d.from === 'Mina';
  return { id: `m${++index}`, chat, index, at, fromName: d.from, own, kind: d.files ? 'file' : 'text', state: own ? 'read' : 'received', ...d, from: `p-${d.from}` };
}

/** The conversation with Ann: replies, reactions, an edit, links, Persian in between. */
function ann(): Message[] {
  const say = (ago: number, d: Draft) => message('c-ann', now - ago, d);
  const out = [
    say(2 * day, { from: 'Ann', text: 'Hello Mina! So this is the app.', state: 'received' }),
    say(2 * day - min, { from: 'Mina', text: 'It is. No number, no mail address, just a link.' }),
    say(2 * day - 2 * min, { from: 'Ann', text: 'And nobody in between can read it?' }),
    say(2 * day - 3 * min, { from: 'Mina', text: 'Nobody. The server keeps sealed pages. Here is how it works: https://example.org/how-it-works?from=chat (worth five minutes).' }),
    say(day, { from: 'Ann', text: '👍🎉' }),
    say(day - 2 * min, { from: 'Ann', text: 'My aunt joined too. She writes in Persian:' }),
    say(day - 3 * min, { from: 'Ann', text: 'سلام! خوشحالم که اینجا هستم. این پیام Paperplane را دیدم و خیلی ساده بود.' }),
    say(day - 4 * min, { from: 'Mina', kind: 'deleted' }),
    say(40 * min, { from: 'Mina', text: 'Shall we meet on Thursday at the old library? I can bring the photos from last week and the list that we talked about, and then we decide what to print first.', edited: true, reactions: [{ emoji: '👍', by: ['Ann'], own: false }, { emoji: '❤️', by: ['Ann', 'Mina'], own: true }] }),
  ];
  const question = out.at(-1)!;
  out.push(
    say(38 * min, { from: 'Ann', text: 'Thursday is good. Six?', replyTo: { id: question.id, fromName: 'Mina', text: question.text! } }),
    say(37 * min, { from: 'Mina', text: 'Six.' }),
    say(6 * min, { from: 'Ann', text: '', files: [photoFile('library.jpg', 1600, 1067)] }),
    say(5 * min, { from: 'Ann', files: [{ name: 'list-for-the-printer.pdf', mime: 'application/pdf', size: 1_840_000, state: 'remote' }], text: 'and the list' }),
    say(2 * min, { from: 'Mina', text: 'Got both. Thank you!', state: 'delivered' }),
    say(min, { from: 'Mina', text: 'See you there', state: 'sent' }),
  );
  return out;
}

// A grey-blue JPEG of 8x6 pixels.
export const previewJPEG =
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8QEBEQCgwSExIQEw8QEBD/wAALCAAGAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAACf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AVN//2Q==';

export function photoFile(name: string, width: number, height: number) {
  return { name, mime: 'image/jpeg', size: 240_000, width, height, preview: previewJPEG, state: 'local', ref: `r-${name}` };
}

function group(): Message[] {
  const say = (ago: number, d: Draft) => message('c-group', now - ago, d);
  return [
    say(3 * day, { from: 'Mina', kind: 'notice', notice: { what: 'created', who: 'Mina', text: 'Reading circle' } }),
    say(3 * day - min, { from: 'Mina', kind: 'notice', notice: { what: 'added', who: 'Mina', whom: ['Ann', 'Борис', 'نسرین'] } }),
    say(3 * day - 2 * min, { from: 'Борис', text: 'Всем привет! Что читаем в этом месяце?' }),
    say(3 * day - 3 * min, { from: 'نسرین', text: 'پیشنهاد من: «بوف کور»' }),
    say(20 * min, { from: 'Ann', text: 'Photos of the last evening', files: [photoFile('a.jpg', 1200, 900), photoFile('b.jpg', 900, 1200), photoFile('c.jpg', 1200, 800)] }),
    say(18 * min, { from: 'Борис', text: 'Отличные! Спасибо, Ann.' }),
    say(17 * min, { from: 'Борис', text: 'Кто принесёт чай?' }),
    say(15 * min, { from: 'نسرین', text: 'من 🍵' }),
  ];
}

export function longTalk(n: number): Message[] {
  const out: Message[] = [];
  for (let i = 0; i < n; i++) {
    const from = i % 3 === 0 ? 'Mina' : 'Борис';
    out.push(message('c-boris', now - 5 * day + i * 2 * min, { from, text: `Line ${i + 1}. ${i === 2 ? 'zebra ' : ''}${'word '.repeat((i * 7) % 40)}` }));
  }
  return out;
}

function chat(id: string, name: string, all: readonly Message[], more: Partial<Chat>): Chat {
  return { id, kind: 'two', name, person: `p-${name}`, members: 2, admin: true, state: 'open', unread: 0, last: all.at(-1), at: all.at(-1)?.at ?? now - 10 * day, ...more };
}

export interface World {
  chats: Chat[];
  messages: Map<string, Message[]>;
  members: Map<string, Member[]>;
  banned: Map<string, Member[]>;
  links: Map<string, LinkState[]>;
  knocks: Map<string, Knock[]>;
  devices: Device[];
  servers: Server[];
}

export const bigMembers = 5000;

/** A group of five thousand: owners, admins, then by name, as the core gives them. */
function many(): Member[] {
  const given = ['Ada', 'Борис', 'نسرین', 'Chen', 'Dana', 'Elif', 'Фёдор', 'Grace', 'حسن', 'Ivo', 'Юлия', 'Kofi', 'Lena', 'مینا', 'Noor', 'Olga'];
  const family = ['Abbott', 'Волков', 'کریمی', 'Dubois', 'Eriksen', 'Fischer', 'Гусев', 'Haddad', 'Ito', 'رضایی', 'Kovács', 'Lindqvist', 'Moreau'];
  const all: Member[] = [];
  for (let i = 0; i < bigMembers - 4; i++) all.push({ person: `b-${i}`, name: `${given[i % given.length]} ${family[(i * 7) % family.length]} ${i + 1}`, own: false, admin: false, role: 'member' });
  all.sort((a, b) => a.name.localeCompare(b.name));
  return [
    { person: 'b-owner', name: 'Olivia Park', own: false, admin: true, role: 'owner' },
    { person: 'p-me', name: 'Mina', own: true, admin: true, role: 'admin' },
    { person: 'p-Ann', name: 'Ann', own: false, admin: true, role: 'admin', chat: 'c-ann' },
    { person: 'p-Борис', name: 'Борис', own: false, admin: false, role: 'member', chat: 'c-boris' },
    ...all,
  ];
}

function big(): Message[] {
  const say = (ago: number, d: Draft) => message('c-big', now - ago, d);
  return [
    say(9 * day, { from: 'Olivia Park', kind: 'notice', notice: { what: 'created', who: 'Olivia Park', text: 'City cyclists' } }),
    say(9 * day - min, { from: 'Olivia Park', text: 'Meeting point on Saturdays: the fountain, half past nine. Helmets, please.', pinned: true }),
    say(8 * day, { from: 'Olivia Park', kind: 'notice', notice: { what: 'role', who: 'Olivia Park', whom: ['Mina'], text: 'admin' } }),
    say(8 * day - min, { from: 'Ann', text: 'Routes and maps: https://example.org/routes', pinned: true }),
    say(7.2 * day, { from: 'Kofi Moreau 12', text: 'Is the bridge open again?' }),
    say(7.1 * day, { from: 'Mina', text: '@Kofi Moreau 12 yes, since Monday', mentions: [{ start: 0, length: 15, person: 'b-11' }] }),
    say(7 * day + 5 * min, { from: 'Ann', kind: 'notice', notice: { what: 'erased', who: 'Ann', whom: ['Cheap Tyres'] } }),
    say(7 * day + 2 * min, { from: 'Olivia Park', text: 'New here? @Mina shows you around.', mentions: [{ start: 10, length: 5, person: 'p-me' }] }),
    say(7 * day, { from: 'Lena Moreau 77', text: 'Hello everybody!' }),
  ];
}

export function world(): World {
  index = 0;
  const messages = new Map<string, Message[]>([
    ['c-ann', ann()],
    ['c-group', group()],
    ['c-boris', longTalk(700)],
    ['c-nasrin', [message('c-nasrin', now - 3 * 60 * min, { from: 'نسرین', text: 'فردا ساعت ۵ می‌بینمت؟' })]],
    ['c-waiting', []],
    ['c-big', big()],
    ['c-saved', [message('c-saved', now - 6 * day, { from: 'Mina', text: 'Library opens at ten, closed on Mondays', state: 'sent' })]],
  ]);
  const of = (id: string) => messages.get(id)!;
  const g = of('c-group');
  const b = of('c-big');
  return {
    messages,
    chats: [
      chat('c-ann', 'Ann', of('c-ann'), {}),
      chat('c-group', 'Reading circle', g, { kind: 'group', person: undefined, members: 4, unread: 3, readUpTo: g.at(-4)!.id, role: 'owner', about: 'One book a month, tea always.', rules: { history: 0 } }),
      chat('c-nasrin', 'نسرین', of('c-nasrin'), { unread: 1 }),
      chat('c-boris', 'Борис', of('c-boris'), { draft: 'Про чай: ' }),
      chat('c-big', 'City cyclists', b, {
        kind: 'group', person: undefined, members: bigMembers, unread: 2, readUpTo: b.at(-3)!.id, role: 'admin', mentions: 1, knocks: 3,
        about: 'Rides, repairs and good company. Be kind; nothing for sale.',
        rules: { history: 7, slow: 30, quarantine: 24, adders: 'members' }, pins: b.filter((m) => m.pinned).map((m) => m.id).reverse(),
      }),
      chat('c-waiting', '', [], { state: 'waiting', at: now - 4 * day }),
      chat('c-saved', '', of('c-saved'), { kind: 'saved', person: undefined, members: 1 }),
    ],
    members: new Map([
      [
        'c-group',
        [
          { person: 'p-me', name: 'Mina', own: true, admin: true, role: 'owner' },
          { person: 'p-نسرین', name: 'نسرین', own: false, admin: true, role: 'admin', chat: 'c-nasrin' },
          { person: 'p-Ann', name: 'Ann', own: false, admin: false, role: 'member', chat: 'c-ann' },
          { person: 'p-Борис', name: 'Борис', own: false, admin: false, role: 'member', chat: 'c-boris' },
        ],
      ],
      ['c-big', many()],
    ]),
    banned: new Map([['c-big', [{ person: 'x-1', name: 'Cheap Tyres', own: false, admin: false, role: 'member' }]]]),
    links: new Map([
      [
        'c-big',
        [
          { id: 'l1', link: `${location.origin}/i#1.Z3JvdXAtbGluay10aGF0LWxlYWRzLW5vd2hlcmUtYnV0LWlzLWFzLWxvbmctYXMtYS1yZWFsLW9uZQ`, uses: 0, used: 1240, until: '2026-12-20', by: 'Olivia Park' },
          { id: 'l2', link: `${location.origin}/i#1.YW5vdGhlci1ncm91cC1saW5rLXRoYXQtbGVhZHMtbm93aGVyZS1idXQtaXMtYXMtbG9uZw`, uses: 10, used: 3, until: '2026-12-01', approve: true, by: 'Mina' },
        ],
      ],
    ]),
    knocks: new Map([
      ['c-big', ['Рита', 'Tom Haddad', 'سارا'].map((name, i) => ({ person: `k-${i}`, name, at: now - i * 30 * min }))],
    ]),
    devices: [
      { id: 'd1', name: 'Chrome, Linux', this: true, added: iso(40), active: iso(0) },
      { id: 'd2', name: 'Phone', this: false, added: iso(39), active: iso(0) },
      { id: 'd3', name: 'Old laptop', this: false, added: iso(30), active: iso(12) },
    ],
    servers: [
      { origin: location.origin, home: true, member: true, online: true },
      { origin: 'https://elsewhere.example', member: true, online: true },
    ],
  };
}
