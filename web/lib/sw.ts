// The service worker keeps one whole version of the app and serves it, so that the app opens without a network
// and never as a mixture of two versions. Everything that is not a file of the app goes to the network untouched.
export {}; // a module of its own

declare const FILES: string[];
declare const VERSION: string;

interface Scope {
  addEventListener(type: 'install' | 'activate', f: (e: { waitUntil(p: Promise<unknown>): void }) => void): void;
  addEventListener(type: 'message', f: (e: { data: unknown }) => void): void;
  addEventListener(type: 'fetch', f: (e: { request: Request; respondWith(r: Promise<Response>): void }) => void): void;
  clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
}
const sw = globalThis as unknown as Scope;
const cacheName = `paperplane-${VERSION}`;
const page = '/index.html';
const paths = new Set(FILES.map((f) => `/${f}`));

async function install(): Promise<void> {
  const cache = await caches.open(cacheName);
  await cache.addAll([...paths].map((p) => new Request(p, { cache: p.startsWith('/assets/') ? 'default' : 'no-cache' })));
}

async function activate(): Promise<void> {
  for (const old of await caches.keys()) if (old !== cacheName) await caches.delete(old);
  await sw.clients.claim();
}

async function answer(path: string, request: Request): Promise<Response> {
  const kept = await (await caches.open(cacheName)).match(path);
  return kept ?? fetch(request);
}

sw.addEventListener('install', (e) => e.waitUntil(install()));
sw.addEventListener('activate', (e) => e.waitUntil(activate()));
// A new version waits until the person says so (or every tab is closed): no reload under one's hands.
sw.addEventListener('message', (e) => {
  if (e.data === 'now') void sw.skipWaiting();
});
sw.addEventListener('fetch', (e) => {
  const u = new URL(e.request.url);
  if (e.request.method !== 'GET' || u.origin !== location.origin) return;
  const path = ['/', '/i', '/d'].includes(u.pathname) ? page : u.pathname;
  if (paths.has(path)) e.respondWith(answer(path, e.request));
});
