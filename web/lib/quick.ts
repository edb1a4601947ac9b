// The emoji of a message's menu, and what was used last.
import { save, saved } from './saved';

export const quick = ['👍', '❤️', '😂', '😮', '😢', '🙏'] as const;

const recentMax = 24;

export function recent(): string[] {
  return (saved('emoji') ?? '').split(' ').filter(Boolean);
}

/** Remembers an emoji as used last. */
export function used(emoji: string): void {
  save('emoji', [emoji, ...recent().filter((e) => e !== emoji)].slice(0, recentMax).join(' '));
}
