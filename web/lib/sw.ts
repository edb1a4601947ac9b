// The service worker keeps one whole version of the app and serves it, so that the app opens without a network
// and never as a mixture of two versions. Everything that is not a file of the app goes to the network untouched.
export {}; // a module of its own

declare const FILES: string[];
declare const VERSION: string;

interface Page {
  postMessage(m: unknown, ports: MessagePort[]): void;
  focus(): Promise<unknown>;
}
interface Scope {
  addEventListener(type: 'install' | 'activate', f: (e: { waitUntil(p: Promise<unknown>): void }) => void): void;
  addEventListener(type: 'notificationclick', f: (e: { notification: Notification; waitUntil(p: Promise<unknown>): void }) => void): void;
  addEventListener(type: 'message', f: (e: { data: unknown }) => void): void;
  addEventListener(type: 'fetch', f: (e: { request: Request; respondWith(r: Promise<Response>): void }) => void): void;
  clients: { claim(): Promise<void>; matchAll(o: { type: 'window'; includeUncontrolled: true }): Promise<Page[]>; openWindow(url: string): Promise<unknown> };
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

// Only the tab that told of something knows which chat it was. It gets this long (ms) to say so, and opens that chat.
const askFor = 500;

async function clicked(told: string): Promise<void> {
  const all = await sw.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const asked = all.map((page) => {
    const { port1, port2 } = new MessageChannel();
    page.postMessage({ told }, [port2]);
    return new Promise<Page>((done, fail) => {
      port1.onmessage = () => done(page);
      setTimeout(fail, askFor);
    });
  });
  const page = await Promise.any(asked).catch(() => all[0]);
  await (page ? page.focus() : sw.clients.openWindow('/'));
}

sw.addEventListener('install', (e) => e.waitUntil(install()));
sw.addEventListener('activate', (e) => e.waitUntil(activate()));
sw.addEventListener('notificationclick', (e) => {
  e.notification.close();
  e.waitUntil(clicked(e.notification.tag));
});
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
