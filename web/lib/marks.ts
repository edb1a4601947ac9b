// Putting a mark of lib/format.ts on a piece of text.

/** The text with a mark put on from a to b, or taken off where it is, and what is selected then. */
export function marked(text: string, a: number, b: number, sign: string): { from: number; to: number; put: string; a: number; b: number } {
  if (sign === '> ') {
    const from = text.lastIndexOf('\n', a - 1) + 1;
    const lines = text.slice(from, b).split('\n');
    const off = lines.every((l) => l.startsWith(sign));
    const put = lines.map((l) => (off ? l.slice(2) : sign + l)).join('\n');
    return { from, to: b, put, a: from, b: from + put.length };
  }
  while (a < b && /\s/.test(text[a]!)) a++;
  while (b > a && /\s/.test(text[b - 1]!)) b--;
  const n = sign.length;
  if (text.slice(a - n, a) === sign && text.slice(b, b + n) === sign) return { from: a - n, to: b + n, put: text.slice(a, b), a: a - n, b: b - n };
  const chosen = text.slice(a, b);
  if (sign === '`' && chosen.includes('\n')) {
    const put = `${a > 0 && text[a - 1] !== '\n' ? '\n' : ''}\`\`\`\n${chosen}\n\`\`\`${b < text.length && text[b] !== '\n' ? '\n' : ''}`;
    return { from: a, to: b, put, a, b: a + put.length };
  }
  // A mark ends with its line: each gets its own.
  const put = chosen.split('\n').map((l) => (l.trim() ? `${sign}${l}${sign}` : l)).join('\n');
  return chosen === '' ? { from: a, to: b, put: sign + sign, a: a + n, b: a + n } : { from: a, to: b, put, a: chosen.includes('\n') ? a : a + n, b: chosen.includes('\n') ? a + put.length : b + n };
}
