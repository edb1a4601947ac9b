// The accounts of this browser: which there are is kept beside their vaults, sealed like them.
import { coreName, currentAccount, enter, first } from './account';
import { randomID } from './bytes';
import type { Entry } from './core';
import { save, saved } from './saved';

type Kept = Pick<Entry, 'id' | 'name' | 'person' | 'origin'>;
interface Sealed {
  iv: Uint8Array<ArrayBuffer>;
  wrap: CryptoKey;
  sealed: ArrayBuffer;
}

function done<T>(r: IDBRequest<T>): Promise<T> {
  return new Promise((ok, no) => {
    r.onsuccess = () => ok(r.result);
    r.onerror = () => no(r.error);
  });
}

/** The store in which the core keeps its key, too (face/wasm). */
async function store<T>(mode: IDBTransactionMode, f: (s: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const open = indexedDB.open(first, 1);
  open.onupgradeneeded = () => open.result.createObjectStore('keys');
  const db = await done(open);
  try {
    return await done(f(db.transaction('keys', mode).objectStore('keys')));
  } finally {
    db.close();
  }
}

async function read(): Promise<Kept[]> {
  const r = await store<Sealed | undefined>('readonly', (s) => s.get('accounts'));
  if (!r) return [];
  const plain = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: r.iv }, r.wrap, r.sealed);
  return JSON.parse(new TextDecoder().decode(plain)) as Kept[];
}

async function write(all: readonly Kept[]): Promise<void> {
  const wrap = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, wrap, new TextEncoder().encode(JSON.stringify(all)));
  await store('readwrite', (s) => s.put({ iv, wrap, sealed }, 'accounts'));
}

/** Changes the list while no other tab does. */
const change = (f: (all: Kept[]) => Kept[]): Promise<void> => navigator.locks.request('paperplane-accounts', async () => write(f(await read())));

type Self = { person: string; name: string; origin: string } | null;

/** The accounts, with what is known of the current one now. */
export async function list(self: Self): Promise<Entry[]> {
  const id = currentAccount();
  const now: Kept = { id, name: self?.name ?? '', person: self?.person, origin: self?.origin };
  if (!('locks' in navigator)) return [{ ...now, current: true }];
  const before = await read().catch(() => []);
  const known = before.some((a) => a.id === id) ? before.map((a) => (a.id === id ? now : a)) : [...before, now];
  if (self && JSON.stringify(known) !== JSON.stringify(before)) await change((all) => [...all.filter((a) => a.id !== id), now].sort(byPlace(known))).catch(() => undefined);
  return known.map((a) => ({ ...a, current: a.id === id, unread: Number(saved(`unread${a.id}`) ?? 0) }));
}

const byPlace = (known: readonly Kept[]) => (a: Kept, b: Kept) => known.findIndex((x) => x.id === a.id) - known.findIndex((x) => x.id === b.id);

/** Begins another account: the page opens anew, where an invite is asked for. */
export async function add(self: Self): Promise<void> {
  await list(self); // this one is in the list from now on
  enter(randomID().slice(0, 8));
}

/** Takes an account off this device. Its tabs are told to leave it; then its folder and key go. */
export async function remove(id: string): Promise<void> {
  const name = coreName(id);
  await change((all) => all.filter((a) => a.id !== id));
  const next = (await read())[0]?.id ?? '';
  if ((saved('account') ?? '') === id) save('account', next);
  const channel = new BroadcastChannel(name);
  channel.postMessage({ forget: true });
  // Whoever holds the lock runs no core.
  await navigator.locks.request(name, async () => {
    const root = await navigator.storage.getDirectory();
    // A worker that has just ended may still hold a file for a moment; there may be no folder.
    for (let n = 0; n < 50; n++) {
      const e: unknown = await root.removeEntry(name, { recursive: true }).catch((err: unknown) => err);
      if (e === undefined || (e as DOMException).name === 'NotFoundError') break;
      await new Promise((r) => setTimeout(r, 100));
    }
    await store('readwrite', (s) => s.delete(id ? name : 'vault'));
    save(`unread${id}`, '0');
    save(`here${id}`, '');
  });
  channel.close();
  if (id === currentAccount()) enter(next);
}
