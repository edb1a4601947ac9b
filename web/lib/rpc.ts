// Ways to the core. Every request has an id that is unique for ever: it is sent again when a core speaks up
// without having answered it, and the core does a repeated one only once.
import type { ErrCode, Event } from '../app/api';
import { coreName, currentAccount, enter } from './account';
import { randomID } from './bytes';
import { type Connect, type Core, CoreError, type Listener } from './core';
import { saved } from './saved';
import { scriptURL } from './trusted';
import type { Down, Up } from './worker';

declare const WORKER_URL: string;

interface Waiting {
  send(): void;
  done(ok: unknown): void;
  fail(e: Error): void;
}

/** The requests that have no answer yet. */
class Waitlist {
  private readonly all = new Map<string, Waiting>();
  private readonly page = randomID();
  private n = 0;

  add<T>(send: (id: string) => void): Promise<T> {
    const id = `${this.page}-${++this.n}`;
    return new Promise<T>((done, fail) => {
      const w = { send: () => send(id), done: done as (ok: unknown) => void, fail };
      this.all.set(id, w);
      w.send();
    });
  }
  answer(id: string, ok: unknown, err?: string): void {
    const w = this.all.get(id);
    if (!w) return; // another page's, or an answer that came twice
    this.all.delete(id);
    if (err !== undefined) w.fail(new CoreError(err as ErrCode));
    else w.done(ok);
  }
  again(): void {
    for (const w of this.all.values()) w.send();
  }
}

interface Reply {
  id?: string;
  ok?: unknown;
  err?: string;
}

function receive(list: Waitlist, listener: Listener, message: unknown): void {
  const m = message as Reply | Event | { event: 'resync' };
  if ('event' in m) {
    if (m.event === 'resync') listener.fresh(); // some were missed
    else listener.event(m);
  }
  else if (m.id !== undefined) list.answer(m.id, m.ok, m.err);
}

// How often a page may start its worker anew before it gives up, and the pause before each.
const restartsMax = 3;
const restartDelay = 500;

/** The core as WASM in a worker of some tab of this browser: see worker.ts for who runs it. */
export const connectWASM: Connect = (listener) => {
  const list = new Waitlist();
  // Without Web Locks (plain http) tabs cannot agree on one core: each keeps to a channel of its own.
  const name = 'locks' in navigator ? coreName(currentAccount()) : `paperplane-${randomID()}`;
  const channel = new BroadcastChannel(name);
  let restarts = 0;
  const up = (m: Up) => channel.postMessage(m);
  let worker: Worker | null = null;
  let removing = false;
  const start = () => {
    const w = new Worker(scriptURL(WORKER_URL), { name });
    worker = w;
    const died = (word: string) => {
      w.terminate();
      const final = ++restarts > restartsMax;
      listener.lost(final ? word : null);
      if (!final) setTimeout(start, restartDelay);
    };
    w.onmessage = (e: MessageEvent<string>) => died(e.data); // a worker's only word to its own page
    w.onerror = () => died('internal');
  };
  channel.onmessage = (e: MessageEvent<Down | Up | { forget: true }>) => {
    const m = e.data;
    if ('ask' in m) return; // another page's
    if ('forget' in m) {
      worker?.terminate(); // the account goes from this device
      if (!removing) enter(saved('account') ?? '');
      return;
    }
    if ('event' in m) receive(list, listener, m.event);
    else if ('answer' in m) receive(list, listener, m.answer);
    else if ('leader' in m) {
      list.again();
      listener.fresh();
    } else list.answer(m.id, m.ok, m.err);
  };
  start();
  up({ ask: 'hello' });
  return {
    way: 'wasm',
    accounts: {
      list: async (self) => (await import('./accounts')).list(self),
      use: async (id) => enter(id),
      add: async (self) => (await import('./accounts')).add(self),
      remove: async (id) => {
        removing = true;
        await (await import('./accounts')).remove(id);
        removing = false;
      },
    },
    call: (cmd, args) => list.add((id) => up({ ask: 'call', call: { id, cmd, args } })),
    putFile: (data) => list.add((id) => up({ ask: 'put', id, data })),
    getFile: (ref) => list.add<Blob>((id) => up({ ask: 'get', id, ref })),
  };
};

// Pauses between tries to reach the program, in ms.
const retryDelayMin = 300;
const retryDelayMax = 5000;

const no = () => Promise.reject(new CoreError('unknown-command'));

/** The core as a native program on this machine, over a WebSocket to whoever served the page. */
export const connectLocal: Connect = (listener) => {
  const list = new Waitlist();
  let socket: WebSocket | null = null;
  let delay = retryDelayMin;
  const dial = () => {
    const s = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/api`);
    s.onopen = () => {
      socket = s;
      delay = retryDelayMin;
      list.again();
      listener.fresh();
    };
    s.onmessage = (e: MessageEvent<string>) => receive(list, listener, JSON.parse(e.data));
    s.onclose = () => {
      socket = null;
      listener.lost(null);
      setTimeout(dial, delay);
      delay = Math.min(delay * 2, retryDelayMax);
    };
  };
  dial();
  const call: Core['call'] = (cmd, args) => list.add((id) => socket?.send(JSON.stringify({ id, cmd, args })));
  const file = async (path: string, init?: RequestInit) => {
    const r = await fetch(path, init).catch(() => null);
    if (!r) throw new CoreError('offline');
    if (!r.ok) throw new CoreError(r.status === 413 ? 'file-large' : r.status === 507 ? 'disk-full' : 'internal');
    return r;
  };
  return {
    way: 'local',
    // The program has one account open; others are opened by its own command.
    accounts: { list: async (self) => [{ ...self, id: '', name: self?.name ?? '', current: true }], use: no, add: no, remove: no },
    call,
    putFile: async (data) => ((await (await file('/files', { method: 'POST', body: data })).json()) as { ref: string }).ref,
    getFile: async (ref) => (await file(`/files/${encodeURIComponent(ref)}`)).blob(),
  };
};

/** Picks the way that the page was served for. */
export const connect: Connect = (listener): Core => {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="pp-core"]');
  return (meta?.content === 'local' ? connectLocal : connectWASM)(listener);
};
