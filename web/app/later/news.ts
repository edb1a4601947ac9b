// What is new between two states of the chat list: what people are told of, and what is no longer worth telling.
import type { Chat } from '../api';
import { muted } from '../roles';

/** The unread count of each chat, as it was last seen. */
export type Known = ReadonlyMap<string, number>;

export interface News {
  /** Chats with more unread than before, where somebody else wrote last. */
  tell: string[];
  /** Chats in which nothing waits any more, or whose newest message was taken back. */
  over: string[];
  now: Known;
}

/** Compares. Without a state before there is nothing new: what waits at the start is in the list. */
export function news(before: Known | null, chats: readonly Chat[]): News {
  const now = new Map(chats.map((c) => [c.id, c.unread]));
  if (!before) return { tell: [], over: [], now };
  const tell = chats.filter((c) => c.unread > (before.get(c.id) ?? 0) && worth(c)).map((c) => c.id);
  const over = [...before].filter(([id, n]) => n > 0 && !now.get(id)).map(([id]) => id);
  for (const c of chats) if (c.unread > 0 && c.last?.kind === 'deleted') over.push(c.id);
  return { tell, over, now };
}

/** Whether a chat's newest message may be told of. */
export function worth(c: Chat): boolean {
  const m = c.last;
  return m !== undefined && c.unread > 0 && !m.own && m.state === 'received' && m.kind !== 'notice' && m.kind !== 'deleted' && !muted(c) && !c.archived;
}

/** How much a notification shows: that there is something, whose it is, or what it says. */
export type Shows = 'plain' | 'name' | 'text';

/** What may be shown of a chat's newest message. What is to disappear never leaves the app: a device keeps its notifications. */
export const shown = (c: Chat, wanted: Shows): Shows => (wanted === 'text' && (c.last?.gone || c.vanish) ? 'name' : wanted);
