// What a page can ask of its core, whichever way the core is reached.
import type { Commands, ErrCode, Event, Message } from '../app/api';

/** Core's commands and the driver's own. */
export interface Api extends Commands {
  /** A page of messages, ascending by index; the newest page when before is absent. */
  messages: { args: { chat: string; before?: number; limit: number }; result: { messages: Message[] | null } };
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

export interface Core {
  readonly way: 'wasm' | 'local';
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
