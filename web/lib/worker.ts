// The worker that each tab starts. All ask for one Web Lock; the holder runs the core for every tab of this
// browser, the others wait to take over. Only a dedicated worker may hold the files of the core's vault.
// Here plain objects become CBOR and back: no one above sees bytes.
import 'go:wasm_exec';
import { decode, encode } from './cbor';

declare const CORE_URL: string;
declare class Go {
  readonly importObject: WebAssembly.Imports;
  run(instance: WebAssembly.Instance): Promise<void>;
}

/** What pages say to the core. */
export type Up = { ask: 'hello' } | { ask: 'call'; call: { id: string; cmd: string; args: unknown } } | { ask: 'put'; id: string; data: Blob } | { ask: 'get'; id: string; ref: string };
/** What the core says to pages. */
export type Down = { leader: true } | { event: unknown } | { answer: unknown } | { id: string; ok?: unknown; err?: string };

interface Exports {
  call(request: Uint8Array): Promise<Uint8Array>;
  putFile(bytes: Uint8Array): Promise<string>;
  getFile(ref: string): Promise<Uint8Array<ArrayBuffer>>;
}
interface Scope {
  name: string;
  paperplane: Exports;
  paperplaneEvent: (event: Uint8Array) => void;
  /** Called by a core that ends, with an ErrCode or "damaged". */
  paperplaneFailed: (word: string) => void;
  postMessage(m: string): void;
  close(): void;
}
const scope = globalThis as unknown as Scope;
const channel = new BroadcastChannel(scope.name);
const down = (m: Down) => channel.postMessage(m);

/** Resolves once the core has set its global: that is how it says that it is ready. */
function exported(): Promise<Exports> {
  return new Promise((done) => {
    Object.defineProperty(globalThis, 'paperplane', { configurable: true, set: (v: Exports) => done(v) });
  });
}

async function instance(imports: WebAssembly.Imports): Promise<WebAssembly.Instance> {
  const answer = await fetch(CORE_URL);
  if (!answer.ok) throw new Error('the core cannot be loaded');
  return (await WebAssembly.instantiateStreaming(answer, imports)).instance;
}

async function handle(core: Exports, m: Up): Promise<void> {
  switch (m.ask) {
    case 'hello':
      return down({ leader: true });
    case 'call':
      return down({ answer: decode(await core.call(encode(m.call))) });
    case 'put':
      return down({ id: m.id, ok: await core.putFile(new Uint8Array(await m.data.arrayBuffer())) });
    case 'get':
      return down({ id: m.id, ok: new Blob([await core.getFile(m.ref)]) });
  }
}

/** A rejected promise of the core carries an ErrCode; anything else is a fault of ours. */
function code(e: unknown): string {
  const text = e instanceof Error ? e.message : String(e);
  return /^[a-z-]+$/.test(text) ? text : 'internal';
}

let last = 'internal';

async function lead(): Promise<void> {
  const ready = exported();
  scope.paperplaneFailed = (word) => (last = word);
  scope.paperplaneEvent = (event) => down({ event: decode(event) });
  const go = new Go();
  const ended = go.run(await instance(go.importObject));
  const core = await Promise.race([ready, ended.then(() => Promise.reject(new Error('the core ended at its start')))]);
  channel.onmessage = (e: MessageEvent<Up | Down>) => {
    const m = e.data;
    if (!('ask' in m)) return;
    handle(core, m).catch((err: unknown) => {
      if (m.ask !== 'hello') down({ id: m.ask === 'call' ? m.call.id : m.id, err: code(err) });
    });
  };
  down({ leader: true });
  await ended; // never, while all is well
}

const locks = (navigator as { locks?: LockManager }).locks;
(locks ? locks.request(scope.name, lead) : lead())
  .catch((e: unknown) => console.error('paperplane:', e))
  .finally(() => {
    scope.postMessage(last);
    scope.close();
  });
