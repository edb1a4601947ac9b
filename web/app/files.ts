// Attachments as object URLs: made when a view needs them, given back when too many are held.
import { signal, type Signal } from '@preact/signals';
import { safeName } from '../lib/filename';
import { decodable } from '../lib/dims';
import { isShown } from '../lib/image';
import { fail, getFile } from './act';
import type { Attachment } from './api';

// Images kept decoded by URL. A chat rarely shows more at once.
const urlsMax = 300;

const urls = new Map<string, Signal<string | null>>();

/** The URL of a local image, null until it is there. */
export function imageURL(a: Attachment): Signal<string | null> {
  const ref = a.ref ?? '';
  let s = urls.get(ref);
  if (s) {
    urls.delete(ref); // to the end: used last
    urls.set(ref, s);
    return s;
  }
  s = signal<string | null>(null);
  if (!ref || !isShown(a.mime)) return s;
  urls.set(ref, s);
  const made = s;
  getFile(ref).then(
    async (b) => {
      // A picture of a few bytes may unpack to gigabytes: such a one stays a file.
      if (await decodable(b)) made.value = URL.createObjectURL(b.slice(0, b.size, a.mime));
    },
    () => urls.delete(ref),
  );
  for (const [old, u] of urls) {
    if (urls.size <= urlsMax) break;
    if (u.value) URL.revokeObjectURL(u.value);
    urls.delete(old);
  }
  return s;
}

/** Saves a local file to the person's downloads. Always a download, never opened in the page. */
export async function saveFile(a: Attachment): Promise<void> {
  if (!a.ref) return;
  try {
    const data = await getFile(a.ref);
    const url = URL.createObjectURL(data.slice(0, data.size, 'application/octet-stream'));
    const link = document.createElement('a');
    link.href = url;
    link.download = safeName(a.name);
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch (e) {
    fail(e);
  }
}
