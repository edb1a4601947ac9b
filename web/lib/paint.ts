// What is done to the pixels of a photo before it is sent. Blurring here destroys: a place becomes a few large squares of mean
// colours, smoothed afterwards, so that nothing of what was there can be calculated back.

export interface Rect {
  x: number;
  y: number;
  w: number;
  h: number;
}

// A blurred place keeps this many colours along its longer edge, whatever its size.
const squaresMax = 8;

function blank(width: number, height: number): [HTMLCanvasElement, CanvasRenderingContext2D] {
  const c = document.createElement('canvas');
  c.width = Math.max(1, Math.round(width));
  c.height = Math.max(1, Math.round(height));
  return [c, c.getContext('2d')!];
}

/** A piece of it, or all, on a canvas of its own. */
export function crop(c: HTMLCanvasElement, r: Rect): HTMLCanvasElement {
  const [out, g] = blank(r.w, r.h);
  g.drawImage(c, r.x, r.y, r.w, r.h, 0, 0, out.width, out.height);
  return out;
}

/** Turned a quarter to the left. */
export function turn(c: HTMLCanvasElement): HTMLCanvasElement {
  const [out, g] = blank(c.height, c.width);
  g.translate(0, c.width);
  g.rotate(-Math.PI / 2);
  g.drawImage(c, 0, 0);
  return out;
}

/** The place in a few colours, as large as it was. */
function smear(c: HTMLCanvasElement, r: Rect, squares: number): HTMLCanvasElement {
  const k = squares / Math.max(r.w, r.h);
  let from = crop(c, r);
  // By halves: a canvas that is made much smaller in one step looks at few of its pixels.
  while (from.width * 0.5 > r.w * k && from.height > 1) from = scaled(from, from.width / 2, from.height / 2);
  return scaled(from, Math.max(1, r.w * k), Math.max(1, r.h * k));
}

function scaled(c: HTMLCanvasElement, width: number, height: number): HTMLCanvasElement {
  const [out, g] = blank(width, height);
  g.imageSmoothingQuality = 'high';
  g.drawImage(c, 0, 0, out.width, out.height);
  return out;
}

/** The part of it within the photo, at whole pixels: at an edge nothing half transparent lets through what was there. */
function inside(c: HTMLCanvasElement, r: Rect): Rect | null {
  const x = Math.max(0, Math.floor(r.x));
  const y = Math.max(0, Math.floor(r.y));
  const w = Math.min(c.width, Math.ceil(r.x + r.w)) - x;
  const h = Math.min(c.height, Math.ceil(r.y + r.h)) - y;
  return w > 0 && h > 0 ? { x, y, w, h } : null;
}

/** In place of what is there, not upon it: it may be transparent. */
function put(g: CanvasRenderingContext2D, small: HTMLCanvasElement, r: Rect): void {
  g.clearRect(r.x, r.y, r.w, r.h);
  g.drawImage(small, r.x, r.y, r.w, r.h);
}

export function blurRects(c: HTMLCanvasElement, rects: readonly Rect[]): void {
  const g = c.getContext('2d')!;
  for (const wanted of rects) {
    const r = inside(c, wanted);
    if (r) put(g, smear(c, r, squaresMax), r);
  }
}

/** Round places of a brush. What is blurred already is blurred again and loses nothing by it. */
export function blurDots(c: HTMLCanvasElement, dots: readonly { x: number; y: number }[], radius: number): void {
  const g = c.getContext('2d')!;
  for (const d of dots) {
    const r = inside(c, { x: d.x - radius, y: d.y - radius, w: radius * 2, h: radius * 2 });
    if (!r) continue;
    const small = smear(c, r, 3);
    g.save();
    g.beginPath();
    g.arc(d.x, d.y, radius, 0, Math.PI * 2);
    g.clip();
    put(g, small, r);
    g.restore();
  }
}

interface FaceDetector {
  detect(image: CanvasImageSource): Promise<{ boundingBox: DOMRectReadOnly }[]>;
}

/** Faces, with some room around each, where the browser itself can find them. */
export async function maskFaces(c: HTMLCanvasElement): Promise<Rect[]> {
  const Detector = (globalThis as { FaceDetector?: new () => FaceDetector }).FaceDetector;
  if (!Detector) return [];
  const found = await new Detector().detect(c).catch(() => []);
  return found.map(({ boundingBox: b }) => ({ x: b.x - b.width * 0.15, y: b.y - b.height * 0.25, w: b.width * 1.3, h: b.height * 1.4 }));
}
