// The messages of a chat that the page holds: a growing piece from the newest backwards, in order of index.
import { signal } from '@preact/signals';
import type { Message } from './api';

// Pages, and how much is kept for a chat that is not open.
export const pageMessages = 60;
const keptMessages = 200;

export class Thread {
  readonly messages = signal<readonly Message[]>([]);
  /** There are older ones in the core. */
  readonly more = signal(true);
  /** There are newer ones in the core: the piece is one that was jumped to, and does not reach the end. */
  readonly newer = signal(false);
  /** The newest page is here: events may be put in. */
  readonly loaded = signal(false);
  private pending: Promise<boolean> | null = null;

  constructor(private readonly load: (before: number | undefined, limit: number) => Promise<Message[]>) {}

  /** Loads the newest messages anew, as many as there were. */
  async fresh(): Promise<void> {
    const limit = Math.max(pageMessages, Math.min(this.newer.value ? 0 : this.messages.value.length, 500));
    const page = await this.load(undefined, limit);
    if (this.newer.value) this.messages.value = [];
    this.newer.value = false;
    // Events that came while the page was on its way are newer than it, or in it.
    const newest = page.at(-1)?.index ?? -1;
    this.messages.value = [...page, ...this.messages.value.filter((m) => m.index > newest && !page.some((p) => p.id === m.id))];
    this.more.value = page.length >= limit;
    this.loaded.value = true;
  }

  /** Loads one page of older messages. Answers whether there was anything. */
  older(): Promise<boolean> {
    // Who asks while a page is on its way waits for that one.
    this.pending ??= this.loadOlder().finally(() => (this.pending = null));
    return this.pending;
  }

  private async loadOlder(): Promise<boolean> {
    const first = this.messages.value[0];
    if (!this.more.value || !first) return false;
    if (first.index === 0) {
      this.more.value = false; // there is nothing before the first
      return false;
    }
    const page = await this.load(first.index, pageMessages);
    const have = new Set(this.messages.value.map((m) => m.id));
    this.messages.value = [...page.filter((m) => !have.has(m.id)), ...this.messages.value];
    this.more.value = page.length >= pageMessages;
    return page.length > 0;
  }

  /** Holds the piece around an index instead: it was jumped to. */
  async around(index: number): Promise<void> {
    const page = await this.load(index + Math.floor(pageMessages / 2), pageMessages);
    const last = page.at(-1);
    if (!last) return;
    this.messages.value = page;
    this.more.value = page.length >= pageMessages;
    this.newer.value = true;
    await this.later(); // and sees at once whether it reaches the end
  }

  /** Loads one page of newer messages, below a piece that was jumped to. */
  later(): Promise<boolean> {
    this.pending ??= this.loadLater().finally(() => (this.pending = null));
    return this.pending;
  }

  private async loadLater(): Promise<boolean> {
    const last = this.messages.value.at(-1);
    if (!this.newer.value || !last) return false;
    const page = (await this.load(last.index + pageMessages, pageMessages)).filter((m) => m.index > last.index);
    if (page.length > 0) {
      this.messages.value = [...this.messages.value, ...page];
      return true;
    }
    // Nothing right behind it: what is at the end follows, if there is no gap between.
    const end = await this.load(undefined, pageMessages);
    const rest = end.filter((m) => m.index > last.index);
    if (rest.length === end.length && end.length >= pageMessages && rest[0]!.index > last.index + 1) {
      this.messages.value = end; // a gap of deleted ones
      this.more.value = true;
    } else this.messages.value = [...this.messages.value, ...rest];
    this.newer.value = false;
    return rest.length > 0;
  }

  /** Puts in a new or changed message. One that is older than what is held stays in the core. */
  put(m: Message): void {
    const all = this.messages.value;
    const at = all.findIndex((x) => x.id === m.id);
    if (at >= 0 && all[at]!.index === m.index) {
      this.messages.value = all.with(at, m);
      return;
    }
    const rest = at >= 0 ? all.toSpliced(at, 1) : all;
    if (rest.length > 0 && ((m.index < rest[0]!.index && this.more.value) || (m.index > rest.at(-1)!.index && this.newer.value))) {
      this.messages.value = rest;
      return;
    }
    let i = rest.length;
    while (i > 0 && rest[i - 1]!.index > m.index) i--;
    this.messages.value = rest.toSpliced(i, 0, m);
  }

  drop(id: string): void {
    this.messages.value = this.messages.value.filter((m) => m.id !== id);
  }

  /** Forgets the oldest of a chat that is no longer shown. */
  trim(): void {
    if (this.newer.value) this.loaded.value = false; // it opens at its end again
    if (this.messages.value.length <= keptMessages) return;
    this.messages.value = this.messages.value.slice(-keptMessages);
    this.more.value = true;
  }
}

type Loader = (chat: string, before: number | undefined, limit: number) => Promise<Message[]>;
let loader: Loader = () => Promise.resolve([]);
const threads = new Map<string, Thread>();

/** Says where messages come from. Called once, before any thread is asked for. */
export function loadFrom(f: Loader): void {
  loader = f;
}

export function thread(chat: string): Thread {
  let found = threads.get(chat);
  if (!found) {
    found = new Thread((before, limit) => loader(chat, before, limit));
    threads.set(chat, found);
  }
  return found;
}

/** Loads the open chat anew and every other one when it is next opened: a core spoke up. */
export async function freshThreads(open: string | null): Promise<void> {
  for (const t of threads.values()) t.loaded.value = false;
  if (open !== null) await thread(open).fresh();
}
