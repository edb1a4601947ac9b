// A core of canned people, for developing views and for the odd states that a real core reaches seldom. Test-only:
// the product never holds it. The page's query chooses: ?as=new (no account), alone, offline, volatile, key, clock, broken.
import type { Chat, ErrCode, Event, Message } from '../app/api';
import { type Api, type Connect, CoreError, type Listener } from '../lib/core';
import { me, world } from './fakepeople';

type Handlers = { [C in keyof Api]?: (args: Api[C]['args']) => Api[C]['result'] | Promise<Api[C]['result']> };

const as = new URLSearchParams(location.search).get('as') ?? sessionStorage.getItem('as') ?? '';
const done = {} as Record<string, never>;

class Fake {
  w = world();
  account = as === 'new' ? undefined : me;
  files = new Map<string, Blob>();
  settings = { readReceipts: true, typingShown: true };
  n = 100_000;
  log: [string, unknown][] = [];
  failNext: ErrCode | null = null;

  constructor(readonly l: Listener) {
    if (as === 'alone' || as === 'new') this.w.chats = this.w.chats.filter((c) => c.kind === 'saved');
    if (as === 'alone') this.w.messages.set('c-saved', []);
    for (const c of this.w.chats) if (as === 'alone') c.last = undefined;
    this.w.chats = this.w.chats.map((c) => (c.unread === 0 && c.last ? { ...c, readUpTo: c.last.id } : c));
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

  handlers: Handlers = {
    getState: () => ({ account: this.account, volatile: as === 'volatile', online: as !== 'offline', notice: as === 'key' ? 'server-key' : as === 'clock' ? 'clock' : '', chats: this.w.chats, settings: this.settings }),
    messages: ({ chat, before, limit }) => {
      const list = this.all(chat).filter((m) => before === undefined || m.index < before);
      return { messages: list.slice(-limit) };
    },
    checkLink: ({ link }) => {
      if (!link.includes('#1.')) throw new CoreError('bad-link');
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
    sendText: ({ chat, text, replyTo, files }) => {
      const index = ++this.n;
      const q = replyTo ? this.find(chat, replyTo) : null;
      const m: Message = {
        id: `s${index}`, chat, index, at: Date.now(), from: me.person, fromName: this.account?.name ?? '', own: true,
        kind: files?.length ? 'file' : 'text', text: text ?? '', state: 'queued',
        ...(q ? { replyTo: { id: q.id, fromName: q.fromName, text: q.text ?? '' } } : {}),
        ...(files?.length ? { files: files.map((f) => ({ ...f, state: 'uploading', done: Math.round(f.size / 3) })) } : {}),
      };
      this.put(m);
      if (as !== 'offline') {
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
      this.w.members.set(id, [{ person: me.person, name: me.name, own: true, admin: true }, ...chosen.map((c) => ({ person: c.person!, name: c.name, own: false, admin: false, chat: c.id }))]);
      this.w.chats = [...this.w.chats, { id, kind: 'group', name, members: chosen.length + 1, admin: true, state: 'open', unread: 0, at: Date.now(), ...(picture ? { picture } : {}) }];
      this.w.messages.set(id, []);
      this.put({ id: `n${++this.n}`, chat: id, index: this.n, at: Date.now(), from: me.person, fromName: me.name, own: true, kind: 'notice', notice: { what: 'created', who: me.name, text: name }, state: 'received' });
      return { chat: id };
    },
    setGroup: ({ chat, name, picture }) => (this.change(chat, { ...(name ? { name } : {}), ...(picture ? { picture } : {}) }), done),
    addMembers: ({ chat, members }) => {
      const more = (members ?? []).map((c) => this.chat(c)).map((c) => ({ person: c.person!, name: c.name, own: false, admin: false, chat: c.id }));
      const all = [...(this.w.members.get(chat) ?? []), ...more];
      this.w.members.set(chat, all);
      this.change(chat, { members: all.length });
      return done;
    },
    removeMember: ({ chat, person }) => {
      const all = (this.w.members.get(chat) ?? []).filter((m) => m.person !== person);
      this.w.members.set(chat, all);
      this.change(chat, { members: all.length });
      return done;
    },
    leave: ({ chat }) => (this.change(chat, { state: 'left' }), done),
    getMembers: ({ chat }) => ({ members: this.w.members.get(chat) ?? [] }),
    setName: ({ name }) => {
      if (!name) throw new CoreError('name-empty');
      this.account = { ...me, name };
      this.event({ event: 'accountChanged', account: this.account, settings: this.settings });
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
    call: (cmd, args) => fake.call(cmd, args),
    putFile: async (data) => {
      const ref = `f${++fake.n}`;
      fake.files.set(ref, data);
      return ref;
    },
    getFile: async (ref) => fake.files.get(ref) ?? drawn(ref),
  };
};
