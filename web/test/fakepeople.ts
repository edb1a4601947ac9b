// Canned people and what they have written. Test-only.
import type { Chat, Member, Message } from '../app/api';

export const now = Date.now();
const min = 60_000;
export const day = 24 * 60 * min;

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
    out.push(message('c-boris', now - 5 * day + i * 2 * min, { from, text: `Line ${i + 1}. ${'word '.repeat((i * 7) % 40)}` }));
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
}

export function world(): World {
  index = 0;
  const messages = new Map<string, Message[]>([
    ['c-ann', ann()],
    ['c-group', group()],
    ['c-boris', longTalk(700)],
    ['c-nasrin', [message('c-nasrin', now - 3 * 60 * min, { from: 'نسرین', text: 'فردا ساعت ۵ می‌بینمت؟' })]],
    ['c-waiting', []],
    ['c-saved', [message('c-saved', now - 6 * day, { from: 'Mina', text: 'Library opens at ten, closed on Mondays', state: 'sent' })]],
  ]);
  const of = (id: string) => messages.get(id)!;
  const g = of('c-group');
  return {
    messages,
    chats: [
      chat('c-ann', 'Ann', of('c-ann'), {}),
      chat('c-group', 'Reading circle', g, { kind: 'group', person: undefined, members: 4, unread: 3, readUpTo: g.at(-4)!.id }),
      chat('c-nasrin', 'نسرین', of('c-nasrin'), { unread: 1 }),
      chat('c-boris', 'Борис', of('c-boris'), { draft: 'Про чай: ' }),
      chat('c-waiting', '', [], { state: 'waiting', at: now - 4 * day }),
      chat('c-saved', '', of('c-saved'), { kind: 'saved', person: undefined, members: 1 }),
    ],
    members: new Map([
      [
        'c-group',
        [
          { person: 'p-me', name: 'Mina', own: true, admin: true },
          { person: 'p-Ann', name: 'Ann', own: false, admin: false, chat: 'c-ann' },
          { person: 'p-Борис', name: 'Борис', own: false, admin: false, chat: 'c-boris' },
          { person: 'p-نسرین', name: 'نسرین', own: false, admin: true, chat: 'c-nasrin' },
        ],
      ],
    ]),
  };
}
