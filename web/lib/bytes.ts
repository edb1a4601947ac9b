// Small things about bytes and ids that several views need.
import type { Base64 } from '../app/api';

/** Decodes Go's base64. Damaged input gives no bytes: previews and pictures are only ornaments. */
export function fromBase64(text: Base64): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  } catch {
    return new Uint8Array(0);
  }
}

/** Encodes bytes as Go's base64. For small things only: it goes through a string. */
export function toBase64(bytes: Uint8Array): Base64 {
  let s = '';
  for (const b of bytes) s += String.fromCharCode(b);
  return btoa(s);
}

/** A random id of 22 characters. Not crypto.randomUUID: that exists only in secure contexts. */
export function randomID(): string {
  const b = crypto.getRandomValues(new Uint8Array(16));
  return toBase64(b).replace(/[+/=]/g, (c) => (c === '+' ? '-' : c === '/' ? '_' : ''));
}
