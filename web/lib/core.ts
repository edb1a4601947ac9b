// What a page can ask of its core, whichever way the core is reached.
import type { Account, Commands, ErrCode, Event, Message } from '../app/api';

/** Core's commands and the driver's own. */
export interface Api extends Commands {
  /** A page of messages, ascending by index: the newest below before or at all, or the oldest from an index on; those of one thread, by its root, with thread. */
  messages: { args: { chat: string; before?: number; from?: number; limit: number; thread?: string }; result: { messages: Message[] | null } };
  /** A QR code as rows of '0' and '1'. */
  qr: { args: { text: string }; result: { size: number; rows: string[] } };
  /** One message, for what is not among the loaded ones. */
  message: { args: { chat: string; message: string }; result: Message };
  about: { args: Record<string, never>; result: { version: string; storage: 'disk' | 'memory' } };
}

/** What the core tells a page without being asked. */
export interface Listener {
  event(e: Event): void;
  /** A core speaks up, for the first time or again: whatever was shown may be old. */
  fresh(): void;
  /** The core cannot be reached. It comes back by itself, unless there is a word for why it does not. */
  lost(why: string | null): void;
}

/** An account on this device. */
export interface Entry {
  id: string;
  name: string;
  person?: string | undefined;
  origin?: string | undefined;
  current: boolean;
  /** As far as is known without opening it. */
  unread?: number;
}

/** The accounts of this device. Going to another opens the page anew. */
export interface Accounts {
  list(self: Account | null): Promise<Entry[]>;
  use(id: string): Promise<void>;
  add(self: Account | null): Promise<void>;
  remove(id: string): Promise<void>;
}

export interface Core {
  readonly way: 'wasm' | 'local';
  readonly accounts: Accounts;
  call<C extends keyof Api>(cmd: C, args: Api[C]['args']): Promise<Api[C]['result']>;
  putFile(data: Blob): Promise<string>;
  getFile(ref: string): Promise<Blob>;
}

export type Connect = (listener: Listener) => Core;

/** A command that the core refused, with the reason for people. */
export class CoreError extends Error {
  constructor(readonly code: ErrCode) {
    super(code);
  }
}
