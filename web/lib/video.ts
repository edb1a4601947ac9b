// Videos before they are sent: their size, length and first frame are found, and what tells of place and device is taken
// out. They are not made smaller: that needs an encoder.
import { withoutPlace } from './box';
import { preview } from './photo';

export interface Video {
  data: Blob;
  /** It goes as it is, with all it tells. */
  asIs: boolean;
  about: { width?: number; height?: number; duration?: number };
  preview: Uint8Array | null;
}

// A frame a little after the beginning: the first is often black.
const frameAt = 0.3;
// A video that says nothing of itself for this long (ms) is sent without.
const patience = 8000;

export async function video(file: Blob): Promise<Video> {
  const clean = await withoutPlace(file).catch(() => null);
  const data = clean ?? file;
  const out: Video = { data, asIs: clean === null, about: {}, preview: null };
  const url = URL.createObjectURL(data);
  const v = document.createElement('video');
  try {
    v.muted = true;
    v.preload = 'auto';
    v.playsInline = true;
    v.src = url;
    await once(v, 'loadeddata');
    if (v.videoWidth > 0) out.about = { width: v.videoWidth, height: v.videoHeight };
    if (Number.isFinite(v.duration)) out.about.duration = Math.round(v.duration * 1000);
    if (v.duration > frameAt) {
      v.currentTime = frameAt;
      await once(v, 'seeked');
    }
    out.preview = await preview(v);
  } catch {
    // this browser cannot play it: it goes as a file
  } finally {
    v.removeAttribute('src');
    URL.revokeObjectURL(url);
  }
  return out;
}

function once(v: HTMLVideoElement, event: string): Promise<void> {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error('silent')), patience);
    const end = (f: () => void) => () => (clearTimeout(timer), f());
    v.addEventListener(event, end(done), { once: true });
    v.addEventListener('error', end(() => fail(new Error('cannot play'))), { once: true });
  });
}
