// A core of canned people, for developing views and for the odd states that a real core reaches seldom. Test-only:
// the product never holds it. The page's query chooses: ?as=new (no account), alone, offline, volatile, key, clock, broken,
// offer (the words), fresh (a new device), waits (before groups), folders, member (an ordinary one).
import type { Chat, ErrCode, Event, Folder, Member, Message, Role } from '../app/api';
import { fold } from '../lib/fold';
import { type Api, type Connect, CoreError, type Entry, type Listener } from '../lib/core';
import { me, world } from './fakepeople';
import { sound, talk } from './faketalk';

type Handlers = { [C in keyof Api]?: (args: Api[C]['args']) => Api[C]['result'] | Promise<Api[C]['result']> };

const as = new URLSearchParams(location.search).get('as') ?? sessionStorage.getItem('as') ?? '';
const done = {} as Record<string, never>;

class Fake {
  w = world();
  account = as === 'new' ? undefined : me;
  files = new Map<string, Blob>();
  settings = { readReceipts: true, typingShown: true };
  folders: Folder[] = as === 'folders' ? [{ name: 'Friends', chats: ['c-ann', 'c-group'] }, { name: 'کار', chats: ['c-big', 'c-far'] }] : [];
  n = 100_000;
  words = as === 'offer' ? 'offer' : as === 'kept' ? 'kept' : '';
  log: [string, unknown][] = [];
  accounts: Entry[] = [
    { id: '', name: '', current: true },
    { id: 'a2', name: 'Mina (work)', person: 'p-work', origin: 'https://work.example', current: false, unread: 3 },
  ];
  failNext: ErrCode | null = null;

  constructor(readonly l: Listener) {
    if (as === 'alone' || as === 'new') this.w.chats = this.w.chats.filter((c) => c.kind === 'saved');
    if (as === 'alone') this.w.messages.set('c-saved', []);
    for (const c of this.w.chats) if (as === 'alone') c.last = undefined;
    this.w.chats = this.w.chats.map((c) => (c.unread === 0 && c.last ? { ...c, readUpTo: c.last.id } : c));
    const set = (id: string, d: Partial<Chat>) => (this.w.chats = this.w.chats.map((c) => (c.id === id ? { ...c, ...d } : c)));
    if (as === 'waits') {
      set('c-group', { state: 'waiting', members: 0 });
      set('c-big', { state: 'healing' });
      set('c-ann', { origin: 'https://elsewhere.example' });
    }
    if (as === 'member') {
      set('c-group', { role: 'member', admin: false, rules: { history: 0, quiet: true } });
      set('c-big', { role: 'member', admin: false, knocks: 0, postAt: Date.now() + 25_000 });
    }
    if (as === 'talk') {
      for (const m of talk()) {
        this.w.messages.get('c-ann')!.push(m);
        set('c-ann', { last: m, at: m.at, readUpTo: m.id });
      }
    }
    if (as === 'broken') this.w.chats = this.w.chats.map((c) => (c.id === 'c-ann' ? { ...c, state: 'broken', forked: true } : c.id === 'c-group' ? { ...c, state: 'left' } : c));
  }
  event(e: Event) {
    this.l.event(e);
  }
  chat(id: string): Chat {
    const c = this.w.chats.find((x) => x.id === id);
    if (!c) throw new CoreError('no-chat');
    return c;
  }
  change(id: string, d: Partial<Chat>) {
    const c = { ...this.chat(id), ...d };
    this.w.chats = this.w.chats.map((x) => (x.id === id ? c : x));
    this.event({ event: 'chatChanged', chat: c });
  }
  all(id: string): Message[] {
    return this.w.messages.get(id) ?? [];
  }
  put(m: Message) {
    const list = this.all(m.chat);
    const i = list.findIndex((x) => x.id === m.id);
    if (i >= 0) list[i] = m;
    else list.push(m);
    this.w.messages.set(m.chat, list);
    this.event({ event: 'messageChanged', message: m });
    this.change(m.chat, { last: list.at(-1), at: list.at(-1)!.at });
  }
  /** Someone else writes. */
  hear(chat: string, from: string, text: string) {
    const index = ++this.n;
    this.put({ id: `h${index}`, chat, index, at: Date.now(), from: `p-${from}`, fromName: from, own: false, kind: 'text', text, state: 'received' });
    this.change(chat, { unread: this.chat(chat).unread + 1 });
  }
  find(chat: string, id: string): Message {
    const m = this.all(chat).find((x) => x.id === id);
    if (!m) throw new CoreError('no-message');
    return m;
  }

  of(chat: string): Member[] {
    return this.w.members.get(chat) ?? [];
  }
  people(chat: string, all: Member[]) {
    const rank = (m: Member) => ['owner', 'admin', 'member'].indexOf(m.role ?? ('member' satisfies Role));
    this.w.members.set(chat, [...all].sort((a, b) => rank(a) - rank(b)));
    this.change(chat, { members: all.length });
    return done;
  }
  devices(all: Fake['w']['devices']) {
    this.w.devices = all;
    this.event({ event: 'devicesChanged' } as Event);
    return done;
  }

  handlers: Handlers = {
    getState: () => ({ account: this.account, volatile: as === 'volatile', online: as !== 'offline', notice: as === 'key' ? 'server-key' : as === 'clock' ? 'clock' : as === 'out' ? 'signed-out' : '', chats: this.w.chats, settings: this.settings, servers: this.w.servers, words: this.words, folders: this.folders, ...(as === 'fresh' ? { syncing: 43 } : {}) }),
    messages: ({ chat, before, limit, thread }) => {
      const list = this.all(chat).filter((m) => (before === undefined || m.index < before) && (!thread || m.id === thread || m.replyTo?.id === thread));
      return { messages: list.slice(-limit) };
    },
    checkLink: ({ link }) => {
      if (link.includes('/d#')) return { origin: location.origin, person: false, device: true };
      if (!link.includes('#1.')) throw new CoreError('bad-link');
      if (link.includes('#1.group')) return { origin: location.origin, person: false, group: true };
      return { origin: link.includes('elsewhere') ? 'https://elsewhere.example' : location.origin, person: true };
    },
    join: ({ name }) => {
      if (!name) throw new CoreError('name-empty');
      if (name.length > 40) throw new CoreError('name-long');
      this.account = { ...me, name };
      this.w = world();
      return { chat: 'c-ann' };
    },
    invite: async () => {
      if (as === 'offline') throw new CoreError('offline');
      await new Promise((r) => setTimeout(r, 50));
      return { link: `${location.origin}/i#1.qmFyZS1leGFtcGxlLWxpbmstdGhhdC1sZWFkcy1ub3doZXJlLWJ1dC1pcy1hcy1sb25nLWFzLWEtcmVhbC1vbmU`, uses: 10, until: '2026-12-23' };
    },
    qr: () => {
      const rows: string[] = [];
      for (let y = -4; y < 37; y++) {
        let row = '';
        for (let x = -4; x < 37; x++) {
          if (x < 0 || y < 0 || x > 32 || y > 32) {
            row += '0';
            continue;
          }
          const eye = (cx: number, cy: number) => Math.max(Math.abs(x - cx), Math.abs(y - cy));
          const d = Math.min(eye(3, 3), eye(29, 3), eye(3, 29));
          row += d <= 4 ? (d === 3 || d <= 1 ? '1' : '0') : (x * 7 + y * 13 + ((x * y) % 5)) % 3 === 0 ? '1' : '0';
        }
        rows.push(row);
      }
      return { size: 41, rows };
    },
    about: () => ({ version: '0.1.0-test', storage: as === 'volatile' ? 'memory' : 'disk' }),
    sendText: ({ chat, text, replyTo, files, mentions, silent, at }) => {
      const c = this.chat(chat);
      if (c.postAt && c.postAt > Date.now()) throw new CoreError('slow-mode');
      const index = ++this.n;
      const q = replyTo ? this.find(chat, replyTo) : null;
      const m: Message = {
        id: `s${index}`, chat, index, at: at ?? Date.now(), from: me.person, fromName: this.account?.name ?? '', own: true,
        kind: files?.length ? 'file' : 'text', text: text ?? '', state: at ? 'scheduled' : 'queued', ...(silent ? { silent } : {}), ...(mentions ? { mentions } : {}),
        ...(q ? { replyTo: { id: q.id, fromName: q.fromName, text: q.text ?? '' } } : {}),
        ...(files?.length ? { files: files.map((f) => ({ ...f, state: 'uploading', done: Math.round(f.size / 3) })) } : {}),
      };
      this.put(m);
      if (q) this.put({ ...q, thread: { root: q.id, count: (q.thread?.count ?? 0) + 1 } });
      if (as !== 'offline' && !at) {
        const local = files?.length ? { files: files.map((f) => ({ ...f, state: 'local' })) } : {};
        setTimeout(() => this.put({ ...m, ...local, state: 'sent' }), 60);
        setTimeout(() => this.put({ ...m, ...local, state: 'read' }), 400);
      }
      return { message: m.id };
    },
    edit: ({ chat, message, text }) => (this.put({ ...this.find(chat, message), text, edited: true }), done),
    delete: ({ chat, message }) => {
      const { text: _text, files: _files, reactions: _reactions, ...m } = this.find(chat, message);
      this.put({ ...m, kind: 'deleted' });
      return done;
    },
    react: ({ chat, message, emoji, on }) => {
      const m = this.find(chat, message);
      const rest = (m.reactions ?? []).map((r) => (r.emoji === emoji ? { ...r, own: on, by: [...(r.by ?? []).filter((x) => x !== me.name), ...(on ? [me.name] : [])] } : r));
      if (on && !rest.some((r) => r.emoji === emoji)) rest.push({ emoji, by: [me.name], own: true });
      this.put({ ...m, reactions: rest.filter((r) => (r.by ?? []).length > 0) });
      return done;
    },
    forward: ({ chat, messages, to, hide }) => {
      const all = (messages ?? []).map((id) => this.find(chat, id));
      if (all.some((m) => m.files?.some((f) => !f.ref))) throw new CoreError('file-away');
      for (const t of to ?? []) {
        for (const m of all) {
          const index = ++this.n;
          this.put({ id: `s${index}`, chat: t, index, at: Date.now(), from: me.person, fromName: me.name, own: true, kind: m.kind, state: 'sent', ...(m.text ? { text: m.text } : {}), ...(m.files ? { files: m.files } : {}), ...(hide ? {} : { forwarded: m.fromName }) });
        }
      }
      return done;
    },
    sendPoll: ({ chat, question, options, several, hidden, right, why }) => {
      const index = ++this.n;
      this.put({ id: `s${index}`, chat, index, at: Date.now(), from: me.person, fromName: me.name, own: true, kind: 'poll', state: 'sent', poll: { question, voters: 0, options: (options ?? []).map((text) => ({ text, votes: 0 })), ...(several ? { several } : {}), ...(hidden ? { hidden } : {}), ...(right === undefined ? {} : { quiz: true, right, why: why ?? '' }) } });
      return { message: `s${index}` };
    },
    vote: ({ chat, message, options }) => {
      const m = this.find(chat, message);
      const p = m.poll!;
      const was = p.options!.some((o) => o.own);
      const of = p.options!.map((o, i) => {
        const own = (options ?? []).includes(i);
        return { text: o.text, votes: o.votes - (o.own ? 1 : 0) + (own ? 1 : 0), own, ...(p.hidden ? {} : { by: [...(o.by ?? []).filter((x) => x !== me.name), ...(own ? [me.name] : [])] }) };
      });
      this.put({ ...m, poll: { ...p, options: of, voters: p.voters - (was ? 1 : 0) + (options?.length ? 1 : 0), ...(p.quiz ? { right: 1, why: 'It has the longest nights.' } : {}) } });
      return done;
    },
    closePoll: ({ chat, message }) => {
      const m = this.find(chat, message);
      this.put({ ...m, poll: { ...m.poll!, closed: true } });
      return done;
    },
    markRead: ({ chat, message }) => {
      const all = this.all(chat);
      const upTo = all.findIndex((m) => m.id === message);
      this.change(chat, { unread: all.slice(upTo + 1).filter((m) => !m.own).length, readUpTo: message });
      return done;
    },
    typing: () => done,
    setDraft: ({ chat, text }) => (this.change(chat, { draft: text }), done),
    retry: ({ chat, message }) => (this.put({ ...this.find(chat, message), state: 'sent' }), done),
    discard: ({ chat, message }) => {
      this.w.messages.set(chat, this.all(chat).filter((m) => m.id !== message));
      this.event({ event: 'messageGone', chat, message });
      return done;
    },
    fetch: ({ chat, message, file }) => {
      const step = (share: number) => {
        const m = this.find(chat, message);
        const files = m.files!.map((f, i) => (i === file ? { ...f, state: share < 1 ? 'loading' : 'local', done: Math.round(f.size * share), ...(share < 1 ? {} : { ref: `r-${f.name}` }) } : f));
        this.put({ ...m, files });
      };
      step(0.1);
      setTimeout(() => step(0.6), 400);
      setTimeout(() => step(1), 900);
      return done;
    },
    stop: ({ chat, message, file }) => {
      const m = this.find(chat, message);
      this.put({ ...m, files: m.files!.map((f, i) => (i === file ? { ...f, state: 'remote', done: 0 } : f)) });
      return done;
    },
    newGroup: ({ name, members, picture }) => {
      const id = `g${++this.n}`;
      const chosen = (members ?? []).map((c) => this.chat(c));
      this.w.members.set(id, [{ person: me.person, name: me.name, own: true, admin: true, role: 'owner' }, ...chosen.map((c): Member => ({ person: c.person!, name: c.name, own: false, admin: false, role: 'member', chat: c.id }))]);
      this.w.chats = [...this.w.chats, { id, kind: 'group', name, members: chosen.length + 1, admin: true, role: 'owner', rules: { history: 0 }, state: 'open', unread: 0, at: Date.now(), ...(picture ? { picture } : {}) }];
      this.w.messages.set(id, []);
      this.put({ id: `n${++this.n}`, chat: id, index: this.n, at: Date.now(), from: me.person, fromName: me.name, own: true, kind: 'notice', notice: { what: 'created', who: me.name, text: name }, state: 'received' });
      return { chat: id };
    },
    setGroup: ({ chat, name, picture, about, rules }) => (this.change(chat, { ...(name ? { name } : {}), ...(picture ? { picture } : {}), ...(about === undefined ? {} : { about }), ...(rules ? { rules } : {}) }), done),
    addMembers: ({ chat, members }) => {
      const more = (members ?? []).map((c) => this.chat(c)).map((c): Member => ({ person: c.person!, name: c.name, own: false, admin: false, role: 'member', chat: c.id }));
      return this.people(chat, [...this.of(chat), ...more]);
    },
    removeMember: ({ chat, person, ban, erase }) => {
      const gone = this.of(chat).find((m) => m.person === person);
      if (ban && gone) this.w.banned.set(chat, [gone, ...(this.w.banned.get(chat) ?? [])]);
      if (erase) for (const m of this.all(chat)) if (m.from === person) this.put({ ...m, kind: 'deleted', text: '' });
      return this.people(chat, this.of(chat).filter((m) => m.person !== person));
    },
    setRole: ({ chat, person, role }) => {
      const all = this.of(chat).map((m) => (m.person === person ? { ...m, role, admin: role !== 'member' } : m));
      if (!all.some((m) => m.role === 'owner')) throw new CoreError('not-allowed');
      const own = all.find((m) => m.own);
      this.change(chat, { role: own?.role, admin: own?.admin ?? false });
      return this.people(chat, all);
    },
    leave: ({ chat }) => (this.change(chat, { state: 'left' }), done),
    getMembers: ({ chat, query, offset, limit, banned }) => {
      const wanted = fold(query ?? '').trim();
      const all = (banned ? this.w.banned.get(chat) ?? [] : this.of(chat)).filter((m) => !wanted || fold(m.name).includes(wanted));
      const inner = (m: Member) => !` ${fold(m.name)}`.includes(` ${wanted}`);
      if (wanted) all.sort((a, b) => Number(inner(a)) - Number(inner(b)));
      return { members: all.slice(offset ?? 0, limit ? (offset ?? 0) + limit : undefined), total: all.length };
    },
    unban: ({ chat, person }) => (this.w.banned.set(chat, (this.w.banned.get(chat) ?? []).filter((m) => m.person !== person)), done),
    pin: ({ chat, message, on }) => {
      const pins = (this.chat(chat).pins ?? []).filter((p) => p !== message);
      if (on && pins.length >= 10) throw new CoreError('pins-full');
      this.put({ ...this.find(chat, message), pinned: on });
      this.change(chat, { pins: on ? [message, ...pins] : pins });
      return done;
    },
    getStorage: () => ({ total: 5_400_000, texts: 820_000, chats: [{ chat: 'c-ann', bytes: 4_200_000, files: 12 }, { chat: 'c-group', bytes: 1_200_000, files: 3 }] }),
    clearFiles: () => ({ bytes: 1_200_000, files: 3 }),
    setVanish: ({ chat, seconds }) => (this.change(chat, { vanish: seconds }), done),
    setChat: ({ chat, muted, archived, pinned, unread }) => (this.change(chat, { ...(muted === undefined ? {} : { muted }), ...(archived === undefined ? {} : { archived }), ...(pinned === undefined ? {} : { pinned }), ...(unread === undefined ? {} : { marked: unread }) }), done),
    hide: ({ chat, messages }) => {
      for (const message of messages ?? []) {
        this.w.messages.set(chat, this.all(chat).filter((m) => m.id !== message));
        this.event({ event: 'messageGone', chat, message });
      }
      return done;
    },
    getEdits: ({ chat, message }) => {
      const m = this.find(chat, message);
      return { edits: [{ text: 'Shall we meet on Wednesday?', at: m.at }, { text: m.text ?? '', at: m.at + 60_000 }] };
    },
    sendNow: ({ chat, message }) => (this.put({ ...this.find(chat, message), state: 'sent', at: Date.now() }), done),
    search: ({ query, chat, from, kind, after, before, limit, cursor }) => {
      const words = fold(query ?? '').split(' ').filter(Boolean);
      const all = [...this.w.messages.values()].flat().filter((m) => {
        const text = fold(m.text ?? '');
        const fits = words.every((w) => text.split(/[^\p{L}\p{N}]+/u).some((x) => x.startsWith(w)));
        return m.kind !== 'notice' && m.kind !== 'deleted' && fits && (!chat || m.chat === chat) && (!from || m.from === from) && (after === undefined || m.at >= after) && (before === undefined || m.at < before) && (kind !== 'photo' || m.files?.some((f) => f.mime.startsWith('image/'))) && (kind !== 'voice' || m.files?.some((f) => f.voice));
      });
      all.sort((a, b) => b.at - a.at);
      const at = Number(cursor ?? 0);
      const n = limit ?? 50;
      const next = at + n < all.length ? String(at + n) : undefined;
      return { hits: all.slice(at, at + n).map((m) => ({ message: m, start: words[0] ? Math.max(0, fold(m.text ?? '').indexOf(words[0])) : 0, length: words[0]?.length ?? 0 })), ...(next ? { next } : {}) };
    },
    dayIndex: ({ chat, day }) => ({ index: this.all(chat).find((m) => m.at >= day)?.index ?? 0 }),
    message: ({ chat, message }) => this.find(chat, message),
    groupInvite: ({ chat, uses, days, approve }) => {
      const l = { id: `l${++this.n}`, link: `${location.origin}/i#1.group-${this.n}-bm93aGVyZS1idXQtaXMtYXMtbG9uZy1hcy1hLXJlYWwtb25l`, uses: uses ?? 0, used: 0, until: new Date(Date.now() + (days || 30) * 86_400_000).toISOString().slice(0, 10), approve: approve ?? false, by: me.name };
      this.w.links.set(chat, [l, ...(this.w.links.get(chat) ?? [])]);
      return { id: l.id, link: l.link, uses: l.uses, until: l.until };
    },
    getLinks: ({ chat }) => ({ links: this.w.links.get(chat ?? '') ?? [] }),
    revokeLink: ({ chat, link }) => (this.w.links.set(chat ?? '', (this.w.links.get(chat ?? '') ?? []).filter((l) => l.id !== link)), done),
    getKnocks: ({ chat }) => ({ knocks: this.w.knocks.get(chat) ?? [] }),
    answer: ({ chat, person, yes }) => {
      const k = (this.w.knocks.get(chat) ?? []).find((x) => x.person === person);
      if (!k) throw new CoreError('no-message');
      this.w.knocks.set(chat, this.w.knocks.get(chat)!.filter((x) => x !== k));
      this.change(chat, { knocks: this.w.knocks.get(chat)!.length });
      this.event({ event: 'knocksChanged', chat });
      return yes ? this.people(chat, [...this.of(chat), { person: k.person, name: k.name, own: false, admin: false, role: 'member' }]) : done;
    },
    moveChat: ({ chat, origin }) => (this.change(chat, { origin: origin === location.origin ? undefined : origin }), done),
    getDevices: () => ({ devices: this.w.devices }),
    nameDevice: ({ device, name }) => {
      if (!name) throw new CoreError('name-empty');
      return this.devices(this.w.devices.map((d) => (d.id === device ? { ...d, name } : d)));
    },
    removeDevice: ({ device }) => this.devices(this.w.devices.filter((d) => d.id !== device)),
    linkDevice: () => {
      if (as === 'offline') throw new CoreError('offline');
      return { link: `${location.origin}/d#bGluay1vZi1hLWRldmljZS10aGF0LWxlYWRzLW5vd2hlcmUtYnV0LWlzLWFzLWxvbmctYXMtYS1yZWFsLW9uZQ` };
    },
    confirmDevice: ({ yes }) => {
      if (!yes) this.event({ event: 'linking', stage: 'failed', err: 'digits-differ' });
      else this.event({ event: 'linking', stage: 'confirmed', digits: '402817', name: 'Tablet' });
      return done;
    },
    addDevice: () => (setTimeout(() => this.event({ event: 'linking', stage: 'waiting' }), 20), done),
    makeWords: () => ({ words: ['anchor', 'blossom', 'candle', 'desert', 'elbow', 'fabric', 'galaxy', 'harvest', 'island', 'jungle', 'kitten', 'lantern'] }),
    keepWords: ({ later }) => {
      this.words = later ? '' : 'kept';
      this.event({ event: 'stateChanged', words: this.words });
      return done;
    },
    recover: ({ words }) => {
      if (as === 'new' && words.startsWith('wrong')) throw new CoreError('words-wrong');
      if (words.startsWith('other')) throw new CoreError('words-unknown');
      if (words.startsWith('away')) throw new CoreError('offline');
      this.account = me;
      this.w = world();
      return {};
    },
    setName: ({ name }) => {
      if (!name) throw new CoreError('name-empty');
      this.account = { ...me, name };
      this.event({ event: 'accountChanged', account: this.account, settings: this.settings });
      return done;
    },
    setFolder: ({ name, chats: given, as: renamed }) => {
      const chats = renamed === undefined ? given : this.folders.find((f) => f.name === name)?.chats;
      if (renamed !== undefined) this.folders = this.folders.filter((f) => f.name !== name);
      const to = (renamed ?? name).trim();
      if (!to) throw new CoreError('name-empty');
      if (to.length > 64) throw new CoreError('name-long');
      const rest = this.folders.filter((f) => f.name !== to);
      if (rest.length >= 16) throw new CoreError('folders-full');
      this.folders = (chats?.length ? [...rest, { name: to, chats }] : rest).sort((a, b) => (a.name < b.name ? -1 : 1));
      this.event({ event: 'foldersChanged', folders: this.folders });
      return done;
    },
    setSettings: (s) => {
      this.settings = { ...this.settings, ...s };
      this.event({ event: 'accountChanged', account: this.account!, settings: this.settings });
      return done;
    },
  };

  async call<C extends keyof Api>(cmd: C, args: Api[C]['args']): Promise<Api[C]['result']> {
    this.log.push([cmd, structuredClone(args)]);
    await Promise.resolve();
    if (this.failNext && cmd !== 'getState' && cmd !== 'messages') {
      const code = this.failNext;
      this.failNext = null;
      throw new CoreError(code);
    }
    const h = this.handlers[cmd];
    if (!h) throw new CoreError('unknown-command');
    return structuredClone(await h(args));
  }
}

/** A landscape of a few strokes, in place of somebody's photo. */
async function drawn(ref: string): Promise<Blob> {
  const c = document.createElement('canvas');
  [c.width, c.height] = ref.includes('b.jpg') ? [900, 1200] : [1200, 800];
  const g = c.getContext('2d')!;
  const sky = g.createLinearGradient(0, 0, 0, c.height);
  sky.addColorStop(0, '#8fb3d9');
  sky.addColorStop(1, '#f4dcc0');
  g.fillStyle = sky;
  g.fillRect(0, 0, c.width, c.height);
  ['#6d7f93', '#4c5f70', '#2f3f4c'].forEach((colour, k) => {
    g.fillStyle = colour;
    g.beginPath();
    g.moveTo(0, c.height);
    for (let x = 0; x <= c.width; x += 10) g.lineTo(x, c.height * (0.5 + k * 0.14) + Math.sin(x / (90 + k * 40) + ref.length + k) * 60);
    g.lineTo(c.width, c.height);
    g.fill();
  });
  return new Promise((r) => c.toBlob((b) => r(b!), 'image/jpeg', 0.9));
}

export const fakeConnect: Connect = (listener) => {
  const fake = new Fake(listener);
  // Tests reach in here to make people write, and to see what was asked.
  (globalThis as { fake?: Fake }).fake = fake;
  if (as !== 'never') setTimeout(() => listener.fresh(), as === 'slow' ? 300 : 0);
  if (as === 'ended') setTimeout(() => listener.lost('internal'), 10);
  return {
    way: 'wasm',
    accounts: {
      list: async (self) => fake.accounts.map((a) => (a.current && self ? { ...a, name: self.name, person: self.person, origin: self.origin } : a)),
      use: async (id) => void fake.log.push(['useAccount', id]),
      add: async () => void fake.log.push(['addAccount', '']),
      remove: async (id) => {
        fake.log.push(['removeAccount', id]);
        fake.accounts = fake.accounts.filter((a) => a.id !== id);
      },
    },
    call: (cmd, args) => fake.call(cmd, args),
    putFile: async (data) => {
      const ref = `f${++fake.n}`;
      fake.files.set(ref, data);
      return ref;
    },
    getFile: async (ref) => fake.files.get(ref) ?? (ref.startsWith('voice') ? sound() : drawn(ref)),
  };
};
