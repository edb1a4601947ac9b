// Light markup in texts, as people type it: *bold*, _italic_, ~struck~, `code`, ||spoiler||, fences of ```, lines that begin
// with "> ", "- " or "1. ". Marks count at the borders of words only, and never within links, mentions and code; what is not
// balanced stays as it was typed, and a backslash before a mark makes it an ordinary sign. The result is a tree for elements;
// source() gives back exactly the text. Every step looks at a sign a bounded number of times.
import type { Mention } from '../app/api';
import { linkify } from './linkify';
import { cut } from './mention';

export type Style = 'bold' | 'italic' | 'struck' | 'spoiler';
export type Inline =
  | { kind: 'text'; text: string; raw: string } // raw has the backslash
  | { kind: 'link'; text: string; href: string }
  | { kind: 'mention'; text: string; person: string }
  | { kind: 'code'; text: string }
  | { kind: Style; mark: string; of: Inline[] };
export type Block =
  | { kind: 'lines'; lines: Inline[][]; mark: string } // mark begins each of the lines
  | { kind: 'quote'; lines: Inline[][]; mark: string }
  | { kind: 'list'; items: { mark: string; of: Inline[] }[] }
  | { kind: 'fence'; text: string; lang: string; raw: string };

const styles: Readonly<Record<string, Style>> = { '*': 'bold', '**': 'bold', _: 'italic', '~': 'struck', '~~': 'struck', '||': 'spoiler' };
const within = /[\p{L}\p{M}\p{N}]/u; // signs of a word
const escapable = '*_~`|\\>-.';
const item = /^(?:- |\p{Nd}{1,3}[.)] )(?=\S)/u;

/** The blocks of a text. They are parted by single line ends. */
export function format(text: string, mentions?: readonly Mention[]): Block[] {
  const atoms = new Map<number, Inline>(); // links and mentions, by where they begin
  let at = 0;
  for (const piece of cut(text, mentions)) {
    for (const p of piece.person !== undefined ? [piece] : linkify(piece.text)) {
      if ('href' in p && p.href) atoms.set(at, { kind: 'link', text: p.text, href: p.href });
      else if ('person' in p && p.person !== undefined && !p.text.includes('\n')) atoms.set(at, { kind: 'mention', text: p.text, person: p.person });
      at += p.text.length;
    }
  }
  const out: Block[] = [];
  let fences = true; // a fence may still be closed further on
  for (at = 0; at <= text.length; ) {
    if (fences && text.startsWith('```', at)) {
      const end = fenceEnd(text, at + 3);
      if (end > 0) {
        const raw = text.slice(at, end);
        const lang = /^```([\w+#.-]{1,20})\n/.exec(raw)?.[1] ?? '';
        const body = raw.slice(3 + lang.length, -3);
        out.push({ kind: 'fence', lang, raw, text: body.replace(/^\n/, '').replace(/\n$/, '') });
        at = end + 1;
        continue;
      }
      fences = false;
    }
    const stop = text.indexOf('\n', at);
    const end = stop < 0 ? text.length : stop;
    put(out, text, at, end, atoms);
    at = end + 1;
  }
  return out;
}

/** Where a fence that was opened before from ends: its last ``` has nothing but a line end behind it. 0: nowhere. */
function fenceEnd(text: string, from: number): number {
  const solid = /\S/g;
  solid.lastIndex = from;
  const first = solid.exec(text)?.index ?? text.length;
  for (let i = text.indexOf('```', first + 1); i >= 0; i = text.indexOf('```', i + 1)) {
    const after = text[i + 3];
    if (after === undefined || after === '\n') return i + 3;
  }
  return 0;
}

/** Puts one line into the blocks: to the last one, if it is of the same kind. */
function put(out: Block[], text: string, at: number, end: number, atoms: ReadonlyMap<number, Inline>): void {
  const last = out.at(-1);
  const head = text.slice(at, Math.min(end, at + 8));
  const mark = item.exec(head)?.[0];
  if (mark && !atoms.has(at)) {
    const entry = { mark, of: inline(text, at + mark.length, end, atoms) };
    if (last?.kind === 'list') last.items.push(entry);
    else out.push({ kind: 'list', items: [entry] });
    return;
  }
  const quote = head.startsWith('> ') ? '> ' : '';
  const line = inline(text, at + quote.length, end, atoms);
  if (last && last.kind === (quote ? 'quote' : 'lines')) last.lines.push(line);
  else out.push({ kind: quote ? 'quote' : 'lines', mark: quote, lines: [line] });
}

/** One line. A mark that is open cannot be opened again, so few are open at any place. */
function inline(text: string, at: number, end: number, atoms: ReadonlyMap<number, Inline>): Inline[] {
  const open: { mark: string; of: Inline[] }[] = [{ mark: '', of: [] }];
  let codes = true;
  const here = () => open[open.length - 1]!.of;
  const plain = (raw: string, s = raw) => {
    const last = here().at(-1);
    if (last?.kind === 'text') {
      last.text += s;
      last.raw += raw;
    } else here().push({ kind: 'text', text: s, raw });
  };
  /** What was opened last and not closed was no mark. */
  const fall = () => {
    const f = open.pop()!;
    plain(f.mark);
    for (const n of f.of) n.kind === 'text' ? plain(n.raw, n.text) : here().push(n);
  };
  const word = (i: number) => i >= at0 && i < end && within.test(text[i]!);
  const space = (i: number) => i < at0 || i >= end || /\s/.test(text[i]!);
  const at0 = at;
  while (at < end) {
    const atom = atoms.get(at);
    if (atom) {
      here().push(atom);
      at += (atom as { text: string }).text.length;
      continue;
    }
    const c = text[at]!;
    if (c === '\\' && at + 1 < end && escapable.includes(text[at + 1]!)) {
      plain(text.slice(at, at + 2), text[at + 1]);
      at += 2;
      continue;
    }
    if (c === '`' && codes && !word(at - 1)) {
      const close = text.indexOf('`', at + 1);
      codes = close > 0 && close < end;
      if (codes && close > at + 1 && !word(close + 1)) {
        here().push({ kind: 'code', text: text.slice(at + 1, close) });
        at = close + 1;
        continue;
      }
    }
    const twice = text[at + 1] === c && at + 1 < end;
    const mark = twice && styles[c + c] ? c + c : styles[c] ? c : '';
    if (!mark || text[at + mark.length] === c || (at > at0 && text[at - 1] === c)) {
      plain(c); // no mark, or one of a row of them
      at++;
      continue;
    }
    const after = at + mark.length;
    const level = open.findIndex((f) => f.mark === mark);
    if (level > 0 && !space(at - 1) && !word(after) && (open[level]!.of.length > 0 || level < open.length - 1)) {
      while (open.length > level + 1) fall();
      const f = open.pop()!;
      here().push({ kind: styles[mark]!, mark, of: f.of });
    } else if (level < 0 && !word(at - 1) && !space(after)) open.push({ mark, of: [] });
    else plain(mark);
    at = after;
  }
  while (open.length > 1) fall();
  return open[0]!.of;
}

/** The text that blocks were made of. */
export const source = (blocks: readonly Block[]): string =>
  blocks
    .map((b) => (b.kind === 'fence' ? b.raw : b.kind === 'list' ? b.items.map((i) => i.mark + inlineSource(i.of)) : b.lines.map((l) => b.mark + inlineSource(l))))
    .flat()
    .join('\n');

const inlineSource = (of: readonly Inline[]): string =>
  of.map((n) => (n.kind === 'text' ? n.raw : n.kind === 'code' ? `\`${n.text}\`` : 'of' in n ? n.mark + inlineSource(n.of) + n.mark : n.text)).join('');

/** A text in one line without its marks, for lists and voices. What a spoiler hides stays hidden. */
export function plainText(text: string): string {
  if (!/[*_~`|\\>]/.test(text)) return text;
  const words = (of: readonly Inline[]): string => of.map((n) => (n.kind === 'spoiler' ? '▒▒▒' : 'of' in n ? words(n.of) : n.text)).join('');
  return format(text)
    .map((b) => (b.kind === 'fence' ? b.text : b.kind === 'list' ? b.items.map((i) => i.mark + words(i.of)) : b.lines.map(words)))
    .flat()
    .join('\n');
}
