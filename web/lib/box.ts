// Takes out of videos made of boxes (MP4, MOV) what tells of place, device and time. Boxes keep their lengths, so that
// nothing in the file moves: what must go becomes a "free" box of zeros.

// The head of a video larger than this is not taken into memory.
const moovBytesMax = 64 << 20;
const holders = new Set(['moov', 'trak', 'mdia', 'minf', 'edts']);
const telling = new Set(['udta', 'meta', 'uuid', 'free', 'skip', 'wide']);

/** The video without these. Null: its boxes are not understood, or tracks of measurements are among the pictures. */
export async function withoutPlace(file: Blob): Promise<Blob | null> {
  const parts: (Blob | Uint8Array<ArrayBuffer>)[] = [];
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
        if (!clean(box, 0, size)) return null;
      } else blank(box, 0, size);
      parts.push(box);
    } else parts.push(file.slice(at, at + size));
    at += size;
  }
  return moov ? new Blob(parts, { type: file.type }) : null;
}

const kindAt = (v: DataView, at: number) => String.fromCharCode(v.getUint8(at), v.getUint8(at + 1), v.getUint8(at + 2), v.getUint8(at + 3));

function blank(b: Uint8Array, at: number, end: number): void {
  const long = new DataView(b.buffer, b.byteOffset).getUint32(at) === 1; // its length stands behind its kind
  b.fill(0, at + (long ? 16 : 8), end);
  b.set([0x66, 0x72, 0x65, 0x65], at + 4); // free
}

/** Cleans the boxes within one. False when they are not well-formed, or a track holds measurements. */
function clean(b: Uint8Array, at: number, end: number, deep = 0): boolean {
  const v = new DataView(b.buffer, b.byteOffset, b.length);
  const long = v.getUint32(at) === 1;
  for (let i = at + (long ? 16 : 8); i < end; ) {
    if (i + 8 > end) return false;
    const size = v.getUint32(i);
    const kind = kindAt(v, i + 4);
    if (size < 8 || i + size > end || deep > 8) return false;
    if (telling.has(kind)) blank(b, i, i + size);
    else if (holders.has(kind)) {
      if (!clean(b, i, i + size, deep + 1)) return false;
    } else if (kind === 'mvhd' || kind === 'tkhd' || kind === 'mdhd') {
      const wide = b[i + 8] === 1 ? 16 : 8; // when it was made and changed
      if (size < 12 + wide) return false;
      b.fill(0, i + 12, i + 12 + wide);
    } else if (kind === 'hdlr') {
      if (size < 32) return false;
      const track = kindAt(v, i + 16);
      if (track !== 'vide' && track !== 'soun') return false; // places and measurements over time are tracks, too
      b.fill(0, i + 32, i + size); // the name of who wrote it
    }
    i += size;
  }
  return true;
}
