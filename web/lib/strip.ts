// Takes what an image file tells beside its pixels (place, time, camera, names, an earlier version of the picture) out
// of it, without drawing it anew: for what a canvas cannot decode or would spoil. JPEG, PNG, WebP and GIF.
// Known-good parts are kept and all else is dropped, so a kind of field that nobody here has heard of goes too.

/** The image without its hidden fields; null when the bytes are no whole image of these kinds. */
export function strip(image: Uint8Array): Uint8Array | null {
  for (const f of [jpeg, png, webp, gif]) {
    const out = f(image);
    if (out) return out;
  }
  return null;
}

const text = (b: Uint8Array, at: number, n: number) => String.fromCharCode(...b.subarray(at, at + n));

function join(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

/** ITU-T T.81, annex B. What follows the end of the image (a phone's film, a second picture) is dropped too. */
function jpeg(b: Uint8Array): Uint8Array | null {
  if (b[0] !== 0xff || b[1] !== 0xd8) return null;
  const parts = [b.subarray(0, 2)];
  for (let at = 2; at + 1 < b.length; ) {
    if (b[at] !== 0xff) return null;
    const marker = b[at + 1]!;
    if (marker === 0xff) {
      at++; // a fill byte
      continue;
    }
    if (marker === 0xd9) {
      parts.push(b.subarray(at, at + 2));
      return join(parts);
    }
    if (at + 4 > b.length) return null;
    const size = (b[at + 2]! << 8) | b[at + 3]!;
    let end = at + 2 + size;
    if (size < 2 || end > b.length) return null;
    if (marker === 0xda) {
      // The coded picture goes on to the next marker that is neither a stuffed byte nor a restart.
      while (end + 1 < b.length && !(b[end] === 0xff && b[end + 1] !== 0 && b[end + 1] !== 0xff && (b[end + 1]! & 0xf8) !== 0xd0)) end++;
    }
    // Of the application's segments: JFIF, the colour profile, and Adobe's, which says how colours are coded.
    const profile = marker === 0xe2 && text(b, at + 4, 12) === 'ICC_PROFILE\0';
    const jfif = marker === 0xe0 && text(b, at + 4, 5) === 'JFIF\0';
    const adobe = marker === 0xee && text(b, at + 4, 5) === 'Adobe';
    const coding = marker >= 0xc0 && marker <= 0xdf;
    if (coding || jfif || profile || adobe) parts.push(b.subarray(at, end));
    at = end;
  }
  return null;
}

const pngKept = /^(IHDR|PLTE|IDAT|IEND|tRNS|gAMA|cHRM|sRGB|iCCP|sBIT|pHYs|cICP|acTL|fcTL|fdAT)$/;

/** W3C PNG, third edition. */
function png(b: Uint8Array): Uint8Array | null {
  if (b.length < 8 || text(b, 0, 8) !== '\x89PNG\r\n\x1a\n') return null;
  const view = new DataView(b.buffer, b.byteOffset, b.length);
  const parts = [b.subarray(0, 8)];
  for (let at = 8; at + 12 <= b.length; ) {
    const end = at + 12 + view.getUint32(at);
    if (end > b.length) return null;
    const name = text(b, at + 4, 4);
    if (pngKept.test(name)) parts.push(b.subarray(at, end));
    if (name === 'IEND') return join(parts);
    at = end;
  }
  return null;
}

const webpKept = /^(VP8 |VP8L|VP8X|ALPH|ANIM|ANMF|ICCP)$/;

/** RFC 9649. */
function webp(b: Uint8Array): Uint8Array | null {
  if (b.length < 12 || text(b, 0, 4) !== 'RIFF' || text(b, 8, 4) !== 'WEBP') return null;
  const view = new DataView(b.buffer, b.byteOffset, b.length);
  const stop = 8 + view.getUint32(4, true);
  if (stop > b.length) return null;
  const parts = [b.slice(0, 12)];
  for (let at = 12; at < stop; ) {
    if (at + 8 > stop) return null;
    const size = view.getUint32(at + 4, true);
    const end = at + 8 + size + (size & 1);
    if (end > stop) return null;
    const name = text(b, at, 4);
    if (webpKept.test(name)) {
      const chunk = b.slice(at, end);
      if (name === 'VP8X') chunk[8]! &= ~0x0c; // "has EXIF", "has XMP"
      parts.push(chunk);
    }
    at = end;
  }
  if (parts.length < 2) return null;
  const out = join(parts);
  new DataView(out.buffer).setUint32(4, out.length - 8, true);
  return out;
}

/** GIF89a. Of its extensions only times and transparency of frames and how often they repeat are kept. */
function gif(b: Uint8Array): Uint8Array | null {
  if (b.length < 13 || !/^GIF8[79]a$/.test(text(b, 0, 6))) return null;
  const table = (flags: number) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  /** The end of a run of blocks, 0 when it is cut. */
  const blocks = (at: number): number => {
    while (at < b.length) {
      const n = b[at]!;
      at += 1 + n;
      if (n === 0) return at;
    }
    return 0;
  };
  let at = 13 + table(b[10]!);
  const parts = [b.subarray(0, at)];
  while (at < b.length) {
    const start = at;
    let kept = true;
    if (b[at] === 0x3b) {
      parts.push(b.subarray(at, at + 1));
      return join(parts);
    } else if (b[at] === 0x2c && at + 10 < b.length) {
      at = blocks(at + 10 + table(b[at + 9]!) + 1);
    } else if (b[at] === 0x21) {
      const loops = b[at + 1] === 0xff && b[at + 2] === 11 && /^(NETSCAPE2\.0|ANIMEXTS1\.0)$/.test(text(b, at + 3, 11));
      kept = b[at + 1] === 0xf9 || loops;
      at = blocks(at + 2);
    } else return null;
    if (at === 0) return null;
    if (kept) parts.push(b.subarray(start, at));
  }
  return null;
}
