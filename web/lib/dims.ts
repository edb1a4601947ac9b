// How large a picture says it is, read from its first bytes: whatever is larger than a phone can hold is never decoded.

// More pixels than this are not decoded: they would take all the memory of a phone.
export const pixelsMax = 100_000_000;
// What is read of a file to find its size. A JPEG's EXIF block with its own small picture may come first.
const headBytes = 256 << 10;

/** Whether a picture may be decoded. One whose size is not found is as large as its bytes allow: the browser decides. */
export async function decodable(file: Blob): Promise<boolean> {
  const d = dims(new Uint8Array(await file.slice(0, headBytes).arrayBuffer()));
  return d === null || d.width * d.height <= pixelsMax;
}

/** The size in the head of a JPEG, PNG, GIF, WebP, BMP, or AVIF and HEIC (the largest that is named); null when unknown. */
export function dims(b: Uint8Array): { width: number; height: number } | null {
  const v = new DataView(b.buffer, b.byteOffset, b.length);
  const name = (at: number) => String.fromCharCode(...b.subarray(at, at + 4));
  const found = (width: number, height: number) => ({ width, height });
  if (b.length < 16) return null;
  if (v.getUint32(0) === 0x89504e47) return b.length >= 24 ? found(v.getUint32(16), v.getUint32(20)) : null;
  if (name(0) === 'GIF8') return found(v.getUint16(6, true), v.getUint16(8, true));
  if (b[0] === 0x42 && b[1] === 0x4d) return b.length >= 26 ? found(Math.abs(v.getInt32(18, true)), Math.abs(v.getInt32(22, true))) : null;
  if (name(0) === 'RIFF' && name(8) === 'WEBP' && b.length >= 30) {
    const u24 = (at: number) => v.getUint16(at, true) | (b[at + 2]! << 16);
    if (name(12) === 'VP8X') return found(1 + u24(24), 1 + u24(27));
    if (name(12) === 'VP8 ') return found(v.getUint16(26, true) & 0x3fff, v.getUint16(28, true) & 0x3fff);
    if (name(12) === 'VP8L') return found(1 + (v.getUint32(21, true) & 0x3fff), 1 + ((v.getUint32(21, true) >>> 14) & 0x3fff));
    return null;
  }
  if (b[0] === 0xff && b[1] === 0xd8) return jpeg(b, v);
  if (name(4) === 'ftyp') return boxes(b, v);
  return null;
}

function jpeg(b: Uint8Array, v: DataView): { width: number; height: number } | null {
  for (let at = 2; at + 9 < b.length; ) {
    if (b[at] !== 0xff) return null;
    const marker = b[at + 1]!;
    if (marker === 0xff) {
      at++;
      continue;
    }
    // The frame's head: not the tables that have numbers among its own.
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) return { width: v.getUint16(at + 7), height: v.getUint16(at + 5) };
    at += 2 + v.getUint16(at + 2);
  }
  return null;
}

/** Pictures of boxes name their sizes in "ispe", one for each part and one for the whole. */
function boxes(b: Uint8Array, v: DataView): { width: number; height: number } | null {
  let best: { width: number; height: number } | null = null;
  for (let at = 0; at + 20 <= b.length; at++) {
    if (b[at + 4] !== 0x69 || v.getUint32(at + 4) !== 0x69737065 || v.getUint32(at) !== 20) continue;
    const d = { width: v.getUint32(at + 12), height: at + 20 <= b.length ? v.getUint32(at + 16) : 0 };
    if (!best || d.width * d.height > best.width * best.height) best = d;
  }
  return best;
}
