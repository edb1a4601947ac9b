// Where a photo stands that is looked at closely: its scale, and how far its middle is from the middle of the page.

export interface View {
  scale: number;
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

export const whole: View = { scale: 1, x: 0, y: 0 };
export const scaleMax = 8;

/** Zooms by a factor so that the point (from the page's middle) stays under the finger, and keeps the photo in the page. */
export function zoomAt(v: View, by: number, px: number, py: number, photo: Size, page: Size): View {
  const scale = Math.min(scaleMax, Math.max(1, v.scale * by));
  const k = scale / v.scale;
  return within({ scale, x: px - (px - v.x) * k, y: py - (py - v.y) * k }, photo, page);
}

export const move = (v: View, dx: number, dy: number, photo: Size, page: Size): View => within({ scale: v.scale, x: v.x + dx, y: v.y + dy }, photo, page);

/** No edge of a photo that is larger than the page comes into the page; a smaller one stands in the middle. */
function within(v: View, photo: Size, page: Size): View {
  const keep = (at: number, size: number, room: number) => {
    const far = Math.max(0, (size * v.scale - room) / 2);
    return Math.min(far, Math.max(-far, at)) + 0; // never -0
  };
  return { scale: v.scale, x: keep(v.x, photo.width, page.width), y: keep(v.y, photo.height, page.height) };
}
