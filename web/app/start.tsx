// Puts the app on the page over a given way to a core. Tests start it over a core of their own.
import { effect } from '@preact/signals';
import { render } from 'preact';
import { currentAccount } from '../lib/account';
import type { Connect } from '../lib/core';
import { save } from '../lib/saved';
import { scriptURL } from '../lib/trusted';
import { begin, followPage, open, way } from './act';
import { keepDrafts } from './compose';
import { Root } from './view/root';
import { chatOf, installer, phase, unread, update, volatile } from './state';
import { prepareLater } from './view/later';

export function start(connect: Connect): void {
  const wanted = (history.state as { chat?: string } | null)?.chat ?? null;
  history.replaceState(null, '');
  followPage();
  begin(connect);
  const place = document.getElementById('app');
  if (place) render(<Root />, place);
  const stop = effect(() => {
    if (phase.value !== 'ready') return;
    queueMicrotask(() => stop());
    performance.mark('ready');
    setTimeout(() => void prepareLater(), 1000); // windows open at once from then on
    if (wanted !== null && chatOf(wanted)) void open(wanted); // a reload comes back to where one was
  });
  // Another account of this browser shows how much waits here.
  effect(() => {
    if (phase.value === 'ready' && way() === 'wasm') save(`unread${currentAccount()}`, String(unread.value));
  });
  effect(() => {
    if (phase.value !== 'ready' || way() !== 'wasm' || volatile.value) return;
    save(`here${currentAccount()}`, '1');
    void stay();
  });
  // The settings have it; a browser's own bar would cover the page.
  addEventListener('beforeinstallprompt', (e) => {
    e.preventDefault();
    installer.value = e;
  });
  addEventListener('pagehide', keepDrafts);
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) keepDrafts();
  });
  if (way() === 'wasm') void keepVersion();
}

/** Asks the browser not to clear the account away when its disk fills. Some ask the person, some judge for themselves, later. */
async function stay(): Promise<void> {
  const storage = (navigator as { storage?: StorageManager }).storage;
  if (storage?.persist && !(await storage.persisted().catch(() => true))) await storage.persist().catch(() => false);
}

/** Lets the service worker keep this version for offline days, and tells when a newer one waits. */
async function keepVersion(): Promise<void> {
  const container = (navigator as { serviceWorker?: ServiceWorkerContainer }).serviceWorker;
  if (!container) return; // plain http: nothing can be kept
  try {
    const had = container.controller !== null;
    const r = await container.register(scriptURL('/sw.js') as string);
    const waits = () => {
      if (r.waiting && had) update.value = true;
    };
    waits();
    r.addEventListener('updatefound', () => r.installing?.addEventListener('statechange', waits));
    container.addEventListener('controllerchange', () => {
      if (had) location.reload();
    });
  } catch {
    // forbidden here: the app works, but not offline
  }
}

/** Goes over to the version that waits. */
export async function updateNow(): Promise<void> {
  keepDrafts();
  const r = await navigator.serviceWorker.getRegistration();
  if (r?.waiting) r.waiting.postMessage('now');
  else location.reload();
}
