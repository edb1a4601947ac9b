// CBOR (RFC 8949) as far as the core's API uses it: what JSON has without fractions. Bytes are base64 text on this side, as in
// the JSON of the local mode; on the way to the core the fields in bytesFields become byte strings. Strict: anything else throws.
import { fromBase64, toBase64 } from './bytes';

const depthMax = 16;
const bytesFields: ReadonlySet<string> = new Set(['picture', 'preview', 'wave']); // the Go fields of type []byte, all of them

/** Encodes a value. What is undefined inside an object is left out, as JSON.stringify does. */
export function encode(value: unknown): Uint8Array {
  let out = new Uint8Array(256);
  let n = 0;
  const room = (k: number) => {
    if (n + k <= out.length) return;
    const larger = new Uint8Array(Math.max(2 * out.length, n + k));
    larger.set(out);
    out = larger;
  };
  const head = (major: number, arg: number) => {
    room(9);
    const first = major << 5;
    if (arg < 24) out[n++] = first | arg;
    else if (arg < 2 ** 8) { out[n++] = first | 24; out[n++] = arg; }
    else if (arg < 2 ** 16) { out[n++] = first | 25; out[n++] = arg >> 8; out[n++] = arg; }
    else if (arg < 2 ** 32) { out[n++] = first | 26; new DataView(out.buffer).setUint32(n, arg); n += 4; }
    else { out[n++] = first | 27; new DataView(out.buffer).setBigUint64(n, BigInt(arg)); n += 8; }
  };
  const put = (major: number, bytes: Uint8Array) => {
    head(major, bytes.length);
    room(bytes.length);
    out.set(bytes, n);
    n += bytes.length;
  };
  const utf8 = new TextEncoder();
  const add = (v: unknown, depth: number): void => {
    if (depth > depthMax) throw new Error('cbor: too deep');
    if (v === null || typeof v === 'boolean') head(7, v === null ? 22 : v ? 21 : 20);
    else if (typeof v === 'string') put(3, utf8.encode(v));
    else if (typeof v === 'number') {
      if (!Number.isSafeInteger(v)) throw new Error('cbor: not an integer');
      head(v < 0 ? 1 : 0, v < 0 ? -1 - v : v);
    } else if (Array.isArray(v)) {
      head(4, v.length);
      for (const item of v) add(item, depth + 1);
    } else if (typeof v === 'object') {
      const fields = Object.entries(v as object).filter(([, field]) => field !== undefined);
      head(5, fields.length);
      for (const [name, field] of fields) {
        put(3, utf8.encode(name));
        if (bytesFields.has(name) && typeof field === 'string') put(2, fromBase64(field));
        else add(field, depth + 1);
      }
    } else throw new Error(`cbor: ${typeof v}`);
  };
  add(value, 0);
  return out.slice(0, n);
}

/** Decodes one value that fills the bytes. Text that is no UTF-8 is repaired, as JSON's readers do. */
export function decode(bytes: Uint8Array): unknown {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  let n = 0;
  const argument = (info: number): number => {
    const at = n;
    if (info < 24) return info;
    if (info > 27) throw new Error('cbor: indefinite or reserved');
    n += 1 << (info - 24);
    const arg = info === 24 ? view.getUint8(at) : info === 25 ? view.getUint16(at) : info === 26 ? view.getUint32(at) : Number(view.getBigUint64(at));
    if (arg > Number.MAX_SAFE_INTEGER) throw new Error('cbor: integer too large');
    return arg;
  };
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - n) throw new Error('cbor: cut off');
    n += length;
    return bytes.subarray(n - length, n);
  };
  const read = (depth: number): unknown => {
    if (depth > depthMax) throw new Error('cbor: too deep');
    const first = view.getUint8(n++);
    const [major, info] = [first >> 5, first & 31];
    if (major === 7) {
      if (info === 20 || info === 21) return info === 21;
      if (info === 22) return null;
      throw new Error('cbor: simple value');
    }
    const arg = argument(info);
    if ((major === 4 || major === 5) && arg > bytes.length - n) throw new Error('cbor: cut off');
    switch (major) {
      case 0: return arg;
      case 1: return -1 - arg;
      case 2: return toBase64(take(arg));
      case 3: return utf8.decode(take(arg));
      case 4: return Array.from({ length: arg }, () => read(depth + 1));
      case 5: {
        const fields = new Map<string, unknown>();
        for (let i = 0; i < arg; i++) {
          const name = read(depth + 1);
          if (typeof name !== 'string' || fields.has(name)) throw new Error('cbor: key');
          fields.set(name, read(depth + 1));
        }
        return Object.fromEntries(fields); // defines, never assigns: no name is special
      }
      default: throw new Error('cbor: tag');
    }
  };
  const value = read(0);
  if (n !== bytes.length) throw new Error('cbor: more than one value');
  return value;
}
