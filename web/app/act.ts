// What the person does, as commands to the core. Every failure becomes plain words on the screen.
import { effect } from '@preact/signals';
import { toBase64 } from '../lib/bytes';
import { type Api, type Connect, type Core, CoreError } from '../lib/core';
import { plainText } from '../lib/format';
import { hasText, type Key, list, t, tAny } from '../lib/i18n';
import { placeIn } from '../lib/place';
import type { Chat, Mention, Message } from './api';
import { chatOf, chats, coreLost, current, ending, panel, phase, spoken, syncing, takeEvent, takeState, toast, unread } from './state';
import { freshThreads, loadFrom, thread } from './thread';

let core: Core;

/** Connects the page to its core and keeps the state current. */
export function begin(connect: Connect): void {
  loadFrom(async (chat, before, limit) => (await core.call('messages', before === undefined ? { chat, limit } : { chat, before, limit })).messages ?? []);
  core = connect({
    event(e) {
      const was = syncing.value;
      takeEvent(e);
      if (was !== null && syncing.value === null) void freshThreads(current.value).catch(fail); // history came before what is shown
      if (e.event === 'chatChanged') setTimeout(() => catchUp(e.chat), catchUpDelay);
      if (e.event === 'messageChanged') announce(e.message);
      if (e.event === 'linking' && e.stage === 'done') void resync(); // this may have become the device of an account
    },
    fresh() {
      coreLost.value = false;
      void resync();
    },
    lost(why) {
      coreLost.value = true;
      if (why === null) return;
      ending.value = why;
      phase.value = 'ended';
    },
  });
}

// History that comes in bulk, on a new device, is not told message by message. This long (ms) after a chat has changed its
// newest message must be here, or the page asks again.
const catchUpDelay = 300;

function catchUp(c: Chat): void {
  const th = thread(c.id);
  if (!th.loaded.value || !c.last || th.messages.value.some((m) => m.id === c.last!.id) || chatOf(c.id)?.last?.id !== c.last.id) return;
  if (th.newer.value) return; // one reads further up
  if (c.id === current.value) th.fresh().catch(fail);
  else th.loaded.value = false;
}

async function resync(): Promise<void> {
  try {
    takeState(await core.call('getState', {}));
    await freshThreads(current.value);
  } catch (e) {
    fail(e);
  }
}

export const way = () => core.way;
export const accounts = () => core.accounts;

/** The words for a failure. */
export function words(e: unknown): string {
  if (e instanceof CoreError) return tAny(`error.${e.code}`, 'error.internal');
  console.error('paperplane:', e);
  return t('error.internal');
}

export function fail(e: unknown): void {
  toast.value = { text: words(e) };
}

/** Does a command; failures are shown. Answers null when it failed. */
export async function act<C extends keyof Api>(cmd: C, args: Api[C]['args']): Promise<Api[C]['result'] | null> {
  try {
    return await core.call(cmd, args);
  } catch (e) {
    fail(e);
    return null;
  }
}

/** Does a command; failures are the caller's. */
export const ask = <C extends keyof Api>(cmd: C, args: Api[C]['args']): Promise<Api[C]['result']> => core.call(cmd, args);

export const putFile = (data: Blob) => core.putFile(data);
export const getFile = (ref: string) => core.getFile(ref);

/** Shows a chat. On a phone the browser's own back key leads out of it again. */
export async function open(id: string | null): Promise<void> {
  if (id === current.value) return;
  const before = current.value;
  if (before !== null) thread(before).trim();
  if (id !== null && !thread(id).loaded.value) {
    try {
      await thread(id).fresh();
    } catch (e) {
      fail(e);
      return;
    }
  }
  current.value = id;
  const state = { chat: id };
  if (before === null && id !== null) history.pushState(state, '');
  else history.replaceState(state, '');
}

/** Goes back to the list. */
export function close(): void {
  if ((history.state as { chat?: string } | null)?.chat) history.back();
  else void open(null);
}

/** Follows the browser's back and forward keys, and the title its unread count. */
export function followPage(): void {
  addEventListener('popstate', (e) => {
    panel.value = null;
    const id = (e.state as { chat?: string } | null)?.chat ?? null;
    current.value = id !== null && chatOf(id) ? id : null;
    if (current.value !== null) void thread(current.value).fresh().catch(fail);
  });
  effect(() => {
    const n = unread.value;
    document.title = n > 0 ? t('title.unread', { n }) : t('app.name');
  });
}

/** Reads out what arrives in the open chat, and tells of other chats. */
function announce(m: Message): void {
  if (m.own || m.state !== 'received' || Date.now() - m.at > 60_000 || heard.has(m.id)) return;
  heard.add(m.id);
  if (heard.size > 200) heard.delete(heard.values().next().value!);
  if (m.chat === current.value) spoken.value = t('say.message', { who: m.fromName, text: summary(m) });
}
const heard = new Set<string>();

/** A message in one line. */
export function summary(m: Message): string {
  switch (m.kind) {
    case 'deleted':
      return t('message.deleted');
    case 'notice':
      return noticeText(m);
    default:
      if (m.text) return placeIn(m.text) ? t('place') : plainText(m.text);
      if (m.poll) return t('message.poll', { question: m.poll.question });
      if (m.files?.[0]?.sticker !== undefined) return t('sticker', { emoji: m.files[0].sticker });
      if (m.files?.[0]?.voice) return t('message.voice');
      return m.files?.every((f) => f.mime.startsWith('image/')) ? t('message.photos', { n: m.files.length }) : m.files?.every((f) => f.mime.startsWith('video/')) ? t('video') : m.files?.[0]?.name ?? '';
  }
}

// Of more people than this a line names the first, and says how many more there are.
const namedMax = 5;

/** A line such as "Ann added Bob". */
export function noticeText(m: Message): string {
  const n = m.notice;
  if (!n) return '';
  const all = n.whom ?? [];
  const many = all.length > namedMax ? Math.max(all.length, Number(n.text) || 0) - namedMax : 0;
  const whom = many > 0 ? list([...all.slice(0, namedMax), t('notice.more', { n: many })]) : list(all);
  // What was done to oneself is said to oneself, whoever else it was done to.
  if (n.self && !m.own && hasText(`notice.${n.what}.you`)) return t(`notice.${n.what}.you` as 'notice.added.you', { who: n.who ?? m.fromName });
  const vars = { who: n.who ?? m.fromName, whom, text: n.text ?? '', n: Number(n.text) || 0 };
  if (n.what === 'role') return tAny(`notice.role.${n.text}${n.self ? '.you' : ''}`, 'notice.other', vars);
  // What happened to oneself without anybody's doing has one form.
  return tAny(m.own && hasText(`notice.${n.what}.own`) ? `notice.${n.what}.own` : `notice.${n.what}`, 'notice.other', vars);
}

export const chatName = (c: Chat): string => (c.kind === 'saved' ? t('chat.saved') : c.name || t('chat.noname'));

export async function send(chat: string, text: string, replyTo: string | undefined, files: Api['sendText']['args']['files'], mentions: readonly Mention[], how: { silent?: boolean; at?: number } = {}): Promise<boolean> {
  const args: Api['sendText']['args'] = { chat, ...how };
  if (text) args.text = text;
  if (replyTo) args.replyTo = replyTo;
  if (files?.length) args.files = files;
  if (mentions.length) args.mentions = [...mentions];
  return (await act('sendText', args)) !== null;
}

export async function react(m: Message, emoji: string): Promise<void> {
  const on = !m.reactions?.some((r) => r.emoji === emoji && r.own);
  await act('react', { chat: m.chat, message: m.id, emoji, on });
}

export async function copy(text: string, done: Key): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast.value = { text: t(done) };
  } catch {
    toast.value = { text: t('copy.failed') };
  }
}

export async function newGroup(name: string, members: string[], image: Blob | null): Promise<boolean> {
  const args: Api['newGroup']['args'] = { name, members };
  const done = await act('newGroup', await withPicture(args, image));
  if (done?.chat) await open(done.chat);
  return done !== null;
}

export async function setGroup(chat: string, name: string, image: Blob | null, about?: string): Promise<boolean> {
  return (await act('setGroup', await withPicture<Api['setGroup']['args']>(about === undefined ? { chat, name } : { chat, name, about }, image))) !== null;
}

async function withPicture<T extends { picture?: string }>(args: T, image: Blob | null): Promise<T> {
  if (!image) return args;
  try {
    return { ...args, picture: toBase64(await (await import('../lib/photo')).picture(image)) };
  } catch {
    toast.value = { text: t('picture.failed') };
    return args;
  }
}

/** The chat beside the open one: the next older (1) or newer (-1). */
export function beside(step: 1 | -1): void {
  const all = chats.value;
  const i = all.findIndex((c) => c.id === current.value);
  const next = all[i < 0 ? 0 : i + step];
  if (next) void open(next.id);
}
