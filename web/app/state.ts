// What the page shows, as signals. Only act.ts and the core's events change them.
import { computed, effect, signal } from '@preact/signals';
import { saved, save } from '../lib/saved';
import type { Account, Chat, Event, Folder, Linking, Message, Server, Settings, State } from './api';
import type { Compose, Item } from './compose';
import { muted } from './roles';
import { thread } from './thread';

/** starting: no core yet; welcome: no account; ready; ended: the core does not start. */
export type Phase = 'starting' | 'welcome' | 'ready' | 'ended';

export const phase = signal<Phase>('starting');
/** Why the core does not start: an ErrCode, or "damaged". */
export const ending = signal('internal');
export const account = signal<Account | null>(null);
export const settings = signal<Settings>({ readReceipts: true, typingShown: true });
export const volatile = signal(false);
export const online = signal(true);
/** The core itself cannot be reached at this moment (its program stopped, or a worker died). */
export const coreLost = signal(false);
export const notice = signal('');
export const update = signal(false);
/** The browser's offer to install the app. */
export const installer = signal<globalThis.Event | null>(null);
export const typing = signal<Readonly<Record<string, readonly string[]>>>({});

const chatByID = signal<ReadonlyMap<string, Chat>>(new Map());
/** What is pinned, then the newest first. */
export const chats = computed(() => [...chatByID.value.values()].sort((a, b) => Number(b.pinned ?? false) - Number(a.pinned ?? false) || b.at - a.at));
export const current = signal<string | null>(null);
export const chat = computed(() => (current.value === null ? null : chatByID.value.get(current.value) ?? null));
export const chatOf = (id: string) => chatByID.value.get(id) ?? null;
export const contacts = computed(() => chats.value.filter((c) => c.kind === 'two'));
export const unread = computed(() => chats.value.reduce((n, c) => n + (muted(c) || c.archived ? 0 : c.unread || Number(c.marked ?? false)), 0));
/** Nobody to talk to yet: the person is told how to invite. */
export const alone = computed(() => chats.value.every((c) => c.kind === 'saved'));

export const folders = signal<readonly Folder[]>([]);
/** The name of the folder whose chats are listed; empty: all chats. */
export const folder = signal('');
export const inFolder = computed(() => folders.value.find((f) => f.name === folder.value) ?? null);

/** "offer" when it is time to offer the twelve words, "kept" when they are in use. */
export const words = signal('');
export const servers = signal<readonly Server[]>([]);
/** How far a new device has got with its history, in percent; null when it has all. */
export const syncing = signal<number | null>(null);
/** How the linking of a device goes, from its first event on. */
export const linking = signal<Linking | null>(null);
/** Counts up when the devices, or who waits before a group, must be asked for again. */
export const devicesStamp = signal(0);
export const knocksStamp = signal(0);

/** The open window over the page, if any. Chats and settings have pages of their own. */
export type ChatPage = 'edit' | 'add' | 'rules' | 'links' | 'knocks' | 'banned' | 'move' | 'folders';
export type SettingsPage = 'devices' | 'link' | 'words' | 'accounts' | 'storage' | 'notify' | 'held';
export type Panel = { kind: 'invite' } | { kind: 'group' } | { kind: 'keys' } | { kind: 'place' | 'poll'; chat: string } | { kind: 'search'; chat?: string; query?: string } | { kind: 'thread'; chat: string; root: string } | { kind: 'edits'; message: Message } | { kind: 'schedule'; into: Compose } | { kind: 'send-on'; chat: string; messages: readonly string[] } | { kind: 'edit-photo'; edit: Item; into: Compose } | { kind: 'settings'; page?: SettingsPage } | { kind: 'chat'; chat: string; page?: ChatPage };
export const panel = signal<Panel | null>(null);

/** A message to go to, once its chat is open. */
export const goal = signal<{ chat: string; message: string; index?: number } | null>(null);

/** The photo that is shown large. */
export const lightbox = signal<{ message: Message; index: number } | null>(null);

/** The chat of the list whose menu is open. */
export const chatMenuFor = signal<{ chat: Chat; at: { x: number; y: number }; show: 'menu' | 'mute' } | null>(null);
/** Whether the list shows what was put aside. */
export const archiveShown = signal(false);

/** The ids of the messages of the open chat that are chosen, while one chooses. */
export const chosen = signal<readonly string[] | null>(null);

/** The message whose menu is open, and which part of it. */
export interface OpenMenu {
  message: Message;
  at: { x: number; y: number };
  show: 'menu' | 'emoji' | 'delete' | 'hide';
}
export const menuFor = signal<OpenMenu | null>(null);

export interface Toast {
  text: string;
  action?: { label: string; run(): void };
}
export const toast = signal<Toast | null>(null);

/** A line for screen readers, said once. */
export const spoken = signal('');

export type Theme = 'system' | 'light' | 'dark';
const firstTheme = saved('theme');
export const theme = signal<Theme>(firstTheme === 'light' || firstTheme === 'dark' ? firstTheme : 'system');
effect(() => {
  const html = document.documentElement;
  if (theme.value === 'system') delete html.dataset.theme;
  else html.dataset.theme = theme.value;
  save('theme', theme.value);
});

/** Takes the core's whole state: at the start, and whenever something may have been missed. */
export function takeState(s: State): void {
  account.value = s.account ?? null;
  settings.value = s.settings;
  volatile.value = s.volatile;
  online.value = s.online;
  notice.value = s.notice ?? '';
  words.value = s.words ?? '';
  servers.value = s.servers ?? [];
  syncing.value = s.syncing ?? null;
  folders.value = s.folders ?? [];
  devicesStamp.value++;
  knocksStamp.value++;
  chatByID.value = new Map((s.chats ?? []).map((c) => [c.id, c]));
  if (current.value !== null && !chatByID.value.has(current.value)) current.value = null;
  if (s.account) save('member', '1');
  phase.value = s.account ? 'ready' : 'welcome';
}

/** Takes one event. */
export function takeEvent(e: Event): void {
  switch (e.event) {
    case 'chatChanged':
      chatByID.value = new Map(chatByID.value).set(e.chat.id, e.chat);
      break;
    case 'chatGone': {
      const rest = new Map(chatByID.value);
      rest.delete(e.chat);
      chatByID.value = rest;
      if (current.value === e.chat) current.value = null;
      break;
    }
    case 'messageChanged':
      thread(e.message.chat).put(e.message);
      break;
    case 'messageGone':
      thread(e.chat).drop(e.message);
      break;
    case 'typingChanged':
      typing.value = { ...typing.value, [e.chat]: e.who ?? [] };
      break;
    case 'onlineChanged':
      online.value = e.online;
      break;
    case 'accountChanged':
      account.value = e.account;
      if (phase.value === 'welcome') phase.value = 'ready';
      settings.value = e.settings;
      break;
    case 'notice':
      notice.value = e.kind;
      if (e.kind === 'volatile') volatile.value = true;
      break;
    case 'linking':
      linking.value = e;
      break;
    case 'devicesChanged':
      devicesStamp.value++;
      break;
    case 'knocksChanged':
      knocksStamp.value++;
      break;
    case 'foldersChanged':
      folders.value = e.folders ?? [];
      break;
    case 'stateChanged':
      // They come whole: what is missing is over.
      if (e.servers) servers.value = e.servers;
      words.value = e.words ?? '';
      syncing.value = e.syncing === undefined || e.syncing >= 100 ? null : e.syncing;
      break;
  }
}
