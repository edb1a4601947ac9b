// Photos before they are sent: made small and drawn anew, so that place, camera and every other hidden field stay here.
import { decodable, pixelsMax } from './dims';
import { pictureBytesMax, previewBytesMax } from '../app/api';

// The longest edge of a photo that is sent.
export const photoEdgeMax = 1600;
const previewEdge = 24;
const pictureEdge = 96;

export interface Photo {
  data: Blob;
  mime: string;
  width: number;
  height: number;
  preview: Uint8Array;
}

/** Draws the photo anew. Rejects what the browser cannot decode: the caller sends it as a file and says so. */
export async function photo(file: Blob): Promise<Photo> {
  const bitmap = await open(file);
  try {
    const k = Math.min(1, photoEdgeMax / Math.max(bitmap.width, bitmap.height));
    const width = Math.max(1, Math.round(bitmap.width * k));
    const height = Math.max(1, Math.round(bitmap.height * k));
    // Only WebP keeps transparency at a small size; a browser that cannot write it answers with PNG.
    const wanted = file.type === 'image/jpeg' ? 'image/jpeg' : 'image/webp';
    let data = await encode(draw(bitmap, width, height, false), wanted, 0.85);
    if (data.type !== wanted) data = await encode(draw(bitmap, width, height, true), 'image/jpeg', 0.85);
    return { data, mime: data.type, width, height, preview: await preview(bitmap) };
  } finally {
    bitmap.close();
  }
}

/** A square picture for a group: JPEG within the core's limit. */
export async function picture(file: Blob): Promise<Uint8Array> {
  const bitmap = await open(file);
  try {
    return await tiny(bitmap, pictureBytesMax, pictureEdge);
  } finally {
    bitmap.close();
  }
}

/** Decodes a picture, the right way up. Rejects those of too many pixels, before and after it. */
export async function open(file: Blob): Promise<ImageBitmap> {
  if (!(await decodable(file))) throw new RangeError('too many pixels');
  const bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' });
  if (bitmap.width * bitmap.height <= pixelsMax) return bitmap;
  bitmap.close();
  throw new RangeError('too many pixels');
}

type Source = ImageBitmap | HTMLVideoElement | HTMLCanvasElement;

const sizeOf = (s: Source) => ('videoWidth' in s ? { width: s.videoWidth, height: s.videoHeight } : { width: s.width, height: s.height });

function draw(bitmap: Source, width: number, height: number, white: boolean, square = false): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const g = canvas.getContext('2d');
  if (!g) throw new Error('no canvas');
  if (white) {
    g.fillStyle = '#fff';
    g.fillRect(0, 0, width, height);
  }
  g.imageSmoothingQuality = 'high';
  const size = sizeOf(bitmap);
  const edge = Math.min(size.width, size.height);
  if (square) g.drawImage(bitmap, (size.width - edge) / 2, (size.height - edge) / 2, edge, edge, 0, 0, width, height);
  else g.drawImage(bitmap, 0, 0, width, height);
  return canvas;
}

export function encode(canvas: HTMLCanvasElement, mime: string, quality: number): Promise<Blob> {
  return new Promise((done, fail) => canvas.toBlob((b) => (b ? done(b) : fail(new Error('no image'))), mime, quality));
}

/** A few colours of the photo, to be shown blurred. A JPEG's tables alone take its 600 bytes: WebP, or a very small PNG. */
export async function preview(bitmap: Source): Promise<Uint8Array> {
  for (let edge = previewEdge; edge >= 4; edge = Math.floor(edge * 0.75)) {
    const size = sizeOf(bitmap);
    const k = edge / Math.max(size.width, size.height);
    const canvas = draw(bitmap, Math.max(1, Math.round(size.width * k)), Math.max(1, Math.round(size.height * k)), true);
    const b = bare(new Uint8Array(await (await encode(canvas, 'image/webp', 0.5)).arrayBuffer())); // PNG where WebP cannot be written
    if (b.length <= previewBytesMax) return b;
  }
  return new Uint8Array(0);
}

/** Takes the colour profile off a WebP: it is larger than the picture. Anything else stays as it is. */
function bare(image: Uint8Array): Uint8Array {
  const view = new DataView(image.buffer);
  const name = (at: number) => String.fromCharCode(...image.subarray(at, at + 4));
  if (image.length < 12 || name(0) !== 'RIFF' || name(8) !== 'WEBP') return image;
  for (let at = 12; at + 8 <= image.length; ) {
    const size = view.getUint32(at + 4, true);
    const whole = 8 + size + (size & 1);
    if (name(at) === 'VP8 ' && at + whole <= image.length) {
      const out = new Uint8Array(12 + whole);
      out.set(image.subarray(0, 12));
      out.set(image.subarray(at, at + whole), 12);
      new DataView(out.buffer).setUint32(4, 4 + whole, true);
      return out;
    }
    at += whole;
  }
  return image;
}

/** Makes a square JPEG of at most bytesMax: first less quality, then fewer pixels. Empty when not even 8 pixels fit. */
async function tiny(bitmap: ImageBitmap, bytesMax: number, edge: number): Promise<Uint8Array> {
  for (let e = edge; e >= 8; e = Math.floor(e * 0.75)) {
    const canvas = draw(bitmap, e, e, true, true);
    for (const quality of [0.8, 0.6, 0.4, 0.2]) {
      const b = await encode(canvas, 'image/jpeg', quality);
      if (b.size <= bytesMax) return new Uint8Array(await b.arrayBuffer());
    }
  }
  return new Uint8Array(0);
}
