// What a vCard (RFC 6350 and older ones) says of somebody. It comes from strangers.

export interface Card {
  name: string;
  lines: { kind: 'tel' | 'email' | 'url' | 'org'; text: string }[];
}

// A larger vCard is shown as a file; of a card no more than this is shown.
export const cardBytesMax = 64_000;
const cardLinesMax = 12;
const fieldCharsMax = 200;

/** What a vCard says of its (first) person; null when it is none. Photos and notes stay in the file. */
export function cardIn(text: string): Card | null {
  if (!/^\s*BEGIN:VCARD/i.test(text)) return null;
  const card: Card = { name: '', lines: [] };
  const unfolded = text.replace(/\r?\n[ \t]/g, '');
  for (const line of unfolded.split(/\r?\n/)) {
    if (/^END:VCARD/i.test(line)) break;
    const m = /^(?:[\w-]+\.)?(FN|N|TEL|EMAIL|URL|ORG)((?:;[^:]*)?):(.*)$/i.exec(line);
    if (!m || card.lines.length >= cardLinesMax) continue;
    const field = m[1]!.toUpperCase();
    let value = m[3]!;
    if (/ENCODING=QUOTED-PRINTABLE/i.test(m[2]!)) value = quoted(value);
    value = clean(field === 'N' ? value.split(';').slice(0, 2).reverse().join(' ') : field === 'ORG' ? value.replace(/(?<!\\);/g, ', ') : value);
    if (!value) continue;
    if (field === 'FN') card.name = value;
    else if (field === 'N') card.name ||= value;
    else card.lines.push({ kind: field.toLowerCase() as Card['lines'][number]['kind'], text: field === 'TEL' ? value.replace(/^tel:/i, '') : value });
  }
  return card.name || card.lines.length > 0 ? card : null;
}

/** Escapes undone, and nothing that turns lines around or hides. */
const clean = (s: string) =>
  s
    .replace(/\\n/gi, ' ')
    .replace(/\\([\\,;:])/g, '$1')
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .trim()
    .slice(0, fieldCharsMax);

function quoted(s: string): string {
  const bytes: number[] = [];
  for (let i = 0; i < s.length; i++) {
    const hex = s[i] === '=' ? /^[0-9A-F]{2}/i.exec(s.slice(i + 1, i + 3))?.[0] : undefined;
    if (hex) {
      bytes.push(parseInt(hex, 16));
      i += 2;
    } else bytes.push(...new TextEncoder().encode(s[i]));
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}
