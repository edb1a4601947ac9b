// Takes out of videos made of boxes (MP4, MOV) what tells of place, device and time. Boxes keep their lengths, so that
// nothing in the file moves: what must go becomes a "free" box of zeros. Tracks of anything but pictures and sound (phones
// write places and movements there) go with all their samples.

// The head of a video larger than this is not taken into memory.
const moovBytesMax = 64 << 20;
const holders = new Set(['moov', 'trak', 'mdia', 'minf', 'edts']);
const telling = new Set(['udta', 'meta', 'uuid', 'free', 'skip', 'wide']);

/** The video without these. Null: its boxes are not understood. */
export async function withoutPlace(file: Blob): Promise<Blob | null> {
  const parts: (Blob | Uint8Array<ArrayBuffer>)[] = [];
  const gone: Span[] = []; // samples of tracks that went
  let moov = false;
  for (let at = 0; at < file.size; ) {
    const head = new DataView(await file.slice(at, at + 16).arrayBuffer());
    if (head.byteLength < 8) return null;
    const kind = kindAt(head, 4);
    let size = head.getUint32(0);
    if (size === 1) size = head.byteLength < 16 ? 0 : head.getUint32(8) * 2 ** 32 + head.getUint32(12);
    else if (size === 0) size = file.size - at; // to the end
    if (size < 8 || at + size > file.size || !/^[\w ]{4}$/.test(kind)) return null;
    if (at === 0 && kind !== 'ftyp') return null;
    if (kind === 'moov' || (telling.has(kind) && kind !== 'wide')) {
      if (size > moovBytesMax) return null;
      const box = new Uint8Array(await file.slice(at, at + size).arrayBuffer());
      if (kind === 'moov') {
        moov = true;
        if (!clean(box, 0, size, gone)) return null;
      } else blank(box, 0, size);
      parts.push(box);
    } else parts.push(file.slice(at, at + size));
    at += size;
  }
  return moov ? zeroed(new Blob(parts, { type: file.type }), gone) : null;
}

interface Span {
  from: number;
  to: number;
}

/** The file with zeros in these places. */
function zeroed(file: Blob, spans: Span[]): Blob {
  const parts: (Blob | Uint8Array<ArrayBuffer>)[] = [];
  let at = 0;
  for (const s of spans.sort((a, b) => a.from - b.from)) {
    const from = Math.max(at, s.from);
    const to = Math.min(file.size, s.to);
    if (to <= from) continue;
    parts.push(file.slice(at, from), new Uint8Array(to - from));
    at = to;
  }
  return new Blob([...parts, file.slice(at)], { type: file.type });
}

const kindAt = (v: DataView, at: number) => String.fromCharCode(v.getUint8(at), v.getUint8(at + 1), v.getUint8(at + 2), v.getUint8(at + 3));

function blank(b: Uint8Array, at: number, end: number): void {
  const long = new DataView(b.buffer, b.byteOffset).getUint32(at) === 1; // its length stands behind its kind
  b.fill(0, at + (long ? 16 : 8), end);
  b.set([0x66, 0x72, 0x65, 0x65], at + 4); // free
}

/** The boxes within one, by kind; null when they are not well-formed. */
function within(b: Uint8Array, at: number, end: number): { kind: string; at: number; end: number }[] | null {
  const v = new DataView(b.buffer, b.byteOffset, b.length);
  const out = [];
  for (let i = at + (v.getUint32(at) === 1 ? 16 : 8); i < end; ) {
    const size = i + 8 <= end ? v.getUint32(i) : 0;
    if (size < 8 || i + size > end) return null;
    out.push({ kind: kindAt(v, i + 4), at: i, end: i + size });
    i += size;
  }
  return out;
}

/** Cleans the boxes within one. False when they are not well-formed. */
function clean(b: Uint8Array, at: number, end: number, gone: Span[], deep = 0): boolean {
  const v = new DataView(b.buffer, b.byteOffset, b.length);
  for (const x of (deep <= 8 && within(b, at, end)) || [null]) {
    if (!x) return false;
    const size = x.end - x.at;
    if (telling.has(x.kind)) blank(b, x.at, x.end);
    else if (x.kind === 'trak' && !seenOrHeard(b, v, x.at, x.end)) {
      const samples = spans(b, v, x.at, x.end);
      if (!samples) return false;
      gone.push(...samples);
      blank(b, x.at, x.end);
    } else if (holders.has(x.kind)) {
      if (!clean(b, x.at, x.end, gone, deep + 1)) return false;
    } else if (x.kind === 'mvhd' || x.kind === 'tkhd' || x.kind === 'mdhd') {
      const wide = b[x.at + 8] === 1 ? 16 : 8; // when it was made and changed
      if (size < 12 + wide) return false;
      b.fill(0, x.at + 12, x.at + 12 + wide);
    } else if (x.kind === 'hdlr' && size > 32) b.fill(0, x.at + 32, x.end); // the name of who wrote it
  }
  return true;
}

/** A box deep within, by the kinds on the way to it. */
function inner(b: Uint8Array, at: number, end: number, ...kinds: string[]): { at: number; end: number } | null {
  for (const k of kinds) {
    const found = within(b, at, end)?.find((x) => x.kind === k);
    if (!found) return null;
    ({ at, end } = found);
  }
  return { at, end };
}

function seenOrHeard(b: Uint8Array, v: DataView, at: number, end: number): boolean {
  const h = inner(b, at, end, 'mdia', 'hdlr');
  return h !== null && h.end - h.at >= 20 && /^(vide|soun)$/.test(kindAt(v, h.at + 16));
}

/** Where the samples of a track stand in the file. Null when its tables cannot be followed. */
function spans(b: Uint8Array, v: DataView, at: number, end: number): Span[] | null {
  const table = (kind: string) => inner(b, at, end, 'mdia', 'minf', 'stbl', kind);
  const [size, per, near, far] = [table('stsz'), table('stsc'), table('stco'), table('co64')];
  const chunks = near ?? far;
  if (!size || !per || !chunks) return null;
  const width = near ? 4 : 8;
  const count = v.getUint32(chunks.at + 12);
  const runs = v.getUint32(per.at + 12);
  const fixed = v.getUint32(size.at + 12);
  const samples = v.getUint32(size.at + 16);
  if (chunks.at + 16 + count * width > chunks.end || per.at + 16 + runs * 12 > per.end || (fixed === 0 && size.at + 20 + samples * 4 > size.end)) return null;
  const out: Span[] = [];
  let sample = 0;
  let run = 0;
  for (let i = 0; i < count; i++) {
    while (run + 1 < runs && v.getUint32(per.at + 16 + (run + 1) * 12) <= i + 1) run++;
    let n = runs > 0 ? v.getUint32(per.at + 20 + run * 12) : 0;
    const o = chunks.at + 16 + i * width;
    const from = near ? v.getUint32(o) : v.getUint32(o) * 2 ** 32 + v.getUint32(o + 4);
    let to = from;
    for (; n > 0 && sample < samples; n--, sample++) to += fixed || v.getUint32(size.at + 20 + sample * 4);
    out.push({ from, to });
  }
  return out;
}
