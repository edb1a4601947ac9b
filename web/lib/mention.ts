// Names of members in texts: finding the one that is being typed, and where in a text the chosen ones stand.
import type { Mention } from '../app/api';

/** Whom a text may name: the person, and the name after the @. */
export interface Named {
  readonly person: string;
  readonly name: string;
}

/** What is typed after an @ that stands before the caret, or null: names have spaces, so up to two words. */
export function typedMention(text: string, caret: number): { at: number; query: string } | null {
  const m = /(?:^|[\s([{«"'])@([^\s@]*(?: [^\s@]*)?)$/u.exec(text.slice(0, caret));
  return m ? { at: caret - m[1]!.length - 1, query: m[1]! } : null;
}

// As many as a message may name (content.MentionsMax); further names stay text.
const mentionsMax = 20;

/** Where text names those that were chosen, in order and without overlap. The longest name at a place counts. */
export function mentionsIn(text: string, chosen: readonly Named[]): Mention[] {
  const out: Mention[] = [];
  const names = [...chosen].sort((a, b) => b.name.length - a.name.length);
  for (let i = text.indexOf('@'); i >= 0 && out.length < mentionsMax; i = text.indexOf('@', i + 1)) {
    const who = names.find((n) => text.startsWith(n.name, i + 1));
    if (!who) continue;
    out.push({ start: i, length: who.name.length + 1, person: who.person });
    i += who.name.length;
  }
  return out;
}

export interface Piece {
  text: string;
  person?: string;
}

/** A text cut at its mentions. What lies outside of it or overlaps is no mention. */
export function cut(text: string, mentions: readonly Mention[] | undefined): Piece[] {
  const out: Piece[] = [];
  let at = 0;
  for (const m of [...(mentions ?? [])].sort((a, b) => a.start - b.start)) {
    if (!(m.start >= at && m.length > 0 && m.start + m.length <= text.length)) continue;
    if (m.start > at) out.push({ text: text.slice(at, m.start) });
    out.push({ text: text.slice(m.start, m.start + m.length), person: m.person });
    at = m.start + m.length;
  }
  if (at < text.length) out.push({ text: text.slice(at) });
  return out;
}
