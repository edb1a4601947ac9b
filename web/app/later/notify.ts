// Tells of messages that come while nobody looks: by the system's notifications, a line in the app, a tone, and the number on
// the app's icon. Nothing goes through a push service: it works while a tab or the installed app is open.
//
// All tabs of an account hear of all messages. The tab in front tells inside the app; when none is in front, the one that
// holds a lock tells the system. A short wait comes first: what is read meanwhile, here or in another tab, is not told.
import { effect, signal } from '@preact/signals';
import { coreName, currentAccount } from '../../lib/account';
import { lang, t } from '../../lib/i18n';
import { save, saved } from '../../lib/saved';
import { chatName, open, summary } from '../act';
import type { Chat } from '../api';
import { chatOf, chats, current, lightbox, panel, phase, syncing, toast, unread } from '../state';
import { type Known, news, shown, type Shows, worth } from './news';

const firstShows = saved('tell');
/** What the system's notifications show; empty: there are none. */
export const shows = signal<Shows | ''>(firstShows === 'plain' || firstShows === 'name' || firstShows === 'text' ? firstShows : '');
export const sound = signal(saved('tell.sound') === '1');
export const lineShown = signal(saved('tell.line') !== '0');
effect(() => save('tell', shows.value));
effect(() => save('tell.sound', sound.value ? '1' : '0'));
effect(() => save('tell.line', lineShown.value ? '1' : '0'));

/** What the browser says: "none" when it has no notifications. */
export const permission = signal<NotificationPermission | 'none'>('Notification' in globalThis ? Notification.permission : 'none');

/** Turns them on or off. The browser asks the person, so this must come from a tap. */
export async function setTelling(on: boolean): Promise<void> {
  if (!on) return void (shows.value = '');
  if (permission.value === 'none') return;
  permission.value = await Notification.requestPermission();
  if (permission.value === 'granted') shows.value ||= 'plain';
}

const core = coreName(currentAccount());
const locks = (navigator as { locks?: LockManager }).locks;
const seenLock = `${core}-seen`;

// The holder tells the system. Without locks each tab has a core of its own, and tells of it.
let teller = !locks;
// A page on its way out breaks off its requests: nobody waits for these.
const lock = (name: string, mode: LockMode, until: () => Promise<void>) => void locks?.request(name, { mode }, until).catch(() => undefined);
lock(`${core}-tells`, 'exclusive', () => ((teller = true), new Promise(() => undefined)));

const inFront = () => document.visibilityState === 'visible' && document.hasFocus();
let leave: (() => void) | null = null;

/** Holds a lock while the person looks, so that other tabs know. */
function look(): void {
  if ('Notification' in globalThis) permission.value = Notification.permission; // changed in the browser's settings, maybe
  if (inFront() === (leave !== null)) return;
  if (leave) {
    leave();
    leave = null;
    return;
  }
  const held = new Promise<void>((done) => (leave = done));
  lock(seenLock, 'shared', () => held);
}

const looksElsewhere = async () => (await locks?.query())?.held?.some((l) => l.name === seenLock) ?? false;

// Whoever looks at a chat has it marked as read within this time (ms).
const wait = 700;
const waiting = new Set<string>();

function soon(id: string): void {
  if (waiting.has(id)) return;
  waiting.add(id);
  setTimeout(() => {
    waiting.delete(id);
    void tell(id);
  }, wait);
}

async function tell(id: string): Promise<void> {
  const c = chatOf(id);
  if (!c || !worth(c)) return;
  const loud = sound.value && !c.last!.silent;
  if (inFront()) {
    if (current.value === id) return;
    if (loud) ring();
    // Beside a list that shows it, a line would say it twice. And a line that offers something is not pushed away.
    if (lineShown.value && !listSeen() && !toast.value?.action) toast.value = { text: t('tell.line', { who: chatName(c), text: short(summary(c.last!)) }), action: { label: t('link.open'), run: () => go(id) } };
    return;
  }
  if (!teller || (await looksElsewhere())) return;
  if (shows.value && permission.value === 'granted') await show(c, shown(c, shows.value), loud);
  else if (loud) ring();
}

const listSeen = () => document.querySelector('.chats')?.checkVisibility() === true && document.querySelector('dialog[open]') === null;

const textMax = 160;
const short = (s: string) => ([...s].length > textMax ? `${[...s].slice(0, textMax).join('')}…` : s);

// Chats by the tag of their notification. Tags are by chance: the browser keeps them on the disk, and a chat's id is nobody's.
const tags = new Map<string, string>();
const plainTag = `${core}-new`;
const shownHere = new Map<string, Notification>();

async function show(c: Chat, how: Shows, loud: boolean): Promise<void> {
  const tag = how === 'plain' ? plainTag : [...tags].find(([k, id]) => id === c.id && k !== plainTag)?.[0] ?? crypto.randomUUID();
  tags.set(tag, c.id);
  const text = () => (c.kind === 'group' ? t('tell.line', { who: c.last!.fromName, text: short(summary(c.last!)) }) : short(summary(c.last!)));
  const title = how === 'plain' ? t('app.name') : chatName(c);
  const options: NotificationOptions & { renotify: boolean } = {
    body: how === 'text' ? text() : t('tell.new', { n: how === 'plain' ? Math.max(unread.value, 1) : c.unread }),
    tag,
    renotify: true,
    silent: !loud,
    icon: '/icon-192.png',
    lang: lang.value,
    dir: 'auto',
  };
  try {
    const r = await registration();
    if (r) return await r.showNotification(title, options);
    const n = new Notification(title, options);
    shownHere.set(tag, n);
    n.onclick = () => {
      n.close();
      window.focus();
      go(c.id);
    };
  } catch {
    // forbidden meanwhile; the list and the title have it
  }
}

/** The service worker that shows them, where there is one: only it can on a phone. */
async function registration(): Promise<ServiceWorkerRegistration | null> {
  const r = await (navigator as { serviceWorker?: ServiceWorkerContainer }).serviceWorker?.getRegistration();
  return r?.active ? r : null;
}

async function withdraw(id: string): Promise<void> {
  for (const [tag, of] of tags) {
    if (tag === plainTag ? unread.value > 0 : of !== id) continue;
    tags.delete(tag);
    shownHere.get(tag)?.close();
    shownHere.delete(tag);
    for (const n of (await (await registration())?.getNotifications({ tag })) ?? []) n.close();
  }
}

function go(id: string): void {
  panel.value = null;
  lightbox.value = null;
  toast.value = null;
  if (chatOf(id)) void open(id);
}

let audio: AudioContext | null = null;
let rung = 0;
// At most one tone in this time (ms).
const ringPause = 1500;

/** Two soft notes. */
export function ring(): void {
  const now = performance.now();
  if (rung && now - rung < ringPause) return;
  rung = now;
  audio ??= new AudioContext();
  void audio.resume();
  for (const [i, hertz] of [659, 880].entries()) {
    const at = audio.currentTime + i * 0.11;
    const note = new OscillatorNode(audio, { type: 'sine', frequency: hertz });
    const loudness = new GainNode(audio, { gain: 0 });
    loudness.gain.setValueAtTime(0, at);
    loudness.gain.linearRampToValueAtTime(0.12, at + 0.015);
    loudness.gain.exponentialRampToValueAtTime(0.0005, at + 0.35);
    note.connect(loudness).connect(audio.destination);
    note.start(at);
    note.stop(at + 0.4);
  }
}

/** Begins, once. */
export function startTelling(): void {
  for (const e of ['focus', 'blur', 'pageshow', 'pagehide']) addEventListener(e, look);
  document.addEventListener('visibilitychange', look);
  look();
  let known: Known | null = null;
  effect(() => {
    const all = chats.value;
    // History that comes to a new device is no news.
    if (phase.value !== 'ready' || syncing.value !== null) return void (known = null);
    const n = news(known, all);
    known = n.now;
    for (const id of n.over) void withdraw(id);
    for (const id of n.tell) soon(id);
  });
  const badge = navigator as { setAppBadge?(n: number): Promise<void> };
  effect(() => {
    const n = phase.value === 'ready' ? unread.value : 0;
    void badge.setAppBadge?.(n).catch(() => undefined); // 0 takes it away
  });
  // A click on a notification: the service worker asks who knows its tag, and brings that tab to the front.
  (navigator as { serviceWorker?: ServiceWorkerContainer }).serviceWorker?.addEventListener('message', (e: MessageEvent<{ told?: string }>) => {
    const id = tags.get(e.data?.told ?? '');
    if (id === undefined) return;
    e.ports[0]?.postMessage(true);
    go(id);
  });
}
