// Finds links in people's text. The result is pieces for text nodes and <a href>; nothing here ever becomes markup.

export interface Piece {
  text: string;
  href?: string; // http: or https: only
}

// Candidates: an explicit scheme, or www. The end is trimmed below.
const candidate = /(?:https?:\/\/|www\.)[^\s<>"'`\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gi;
// A link longer than this stays text: it helps nobody.
const linkCharsMax = 2048;

/** Splits text into plain pieces and links. Joined together, the pieces are the text. */
export function linkify(text: string): Piece[] {
  const out: Piece[] = [];
  let from = 0;
  for (const m of text.matchAll(candidate)) {
    const before = text[m.index - 1];
    if (before && /[\p{L}\p{N}_@/]/u.test(before)) continue; // within a word or an address
    const raw = trim(m[0]);
    const href = parse(raw);
    if (!href) continue;
    if (m.index > from) out.push({ text: text.slice(from, m.index) });
    out.push({ text: raw, href });
    from = m.index + raw.length;
  }
  if (from < text.length) out.push({ text: text.slice(from) });
  return out;
}

/** Takes off punctuation that belongs to the sentence, and closing brackets that the link did not open. */
function trim(s: string): string {
  for (;;) {
    const last = s.at(-1);
    if (!last) return s;
    const open = { ')': '(', ']': '[', '}': '{', '»': '«' }[last];
    if (open ? count(s, last) > count(s, open) : /[.,;:!?…،؛؟*_~]/.test(last)) s = s.slice(0, -1);
    else return s;
  }
}

const count = (s: string, c: string) => s.split(c).length - 1;

function parse(raw: string): string | null {
  if (raw.length > linkCharsMax) return null;
  try {
    const u = new URL(/^www\./i.test(raw) ? `https://${raw}` : raw);
    const known = u.protocol === 'https:' || u.protocol === 'http:';
    // A name before an @ is how links pretend to lead elsewhere; a host needs a dot or to be this machine's.
    return known && !u.username && !u.password && /[.:]|^localhost$/.test(u.host) ? u.href : null;
  } catch {
    return null;
  }
}

/** Tells a text of one to three emoji and nothing else: such a message is shown large. */
export function onlyEmoji(text: string): boolean {
  const s = text.trim();
  if (!s || s.length > 40) return false;
  const rest = s.replace(/\p{RGI_Emoji}/gv, '');
  return rest === '' && [...new Intl.Segmenter().segment(s)].length <= 3;
}
