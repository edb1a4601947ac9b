// How photos of one message stand together: rows of one height each, whose rooms are known before any photo is there.

// How many stand in each row, for 2 to 10 photos.
const rowsOf: readonly (readonly number[])[] = [[], [1], [2], [1, 2], [2, 2], [2, 3], [3, 3], [2, 2, 3], [2, 3, 3], [3, 3, 3], [3, 3, 4]];
// A panorama and a strip of film are cut to these shares of width to height.
const shareMin = 0.6;
const shareMax = 1.9;

/** Shares of width to height, by row. A row is as wide as the album: its height is the width by the sum of its shares. */
export function album(sizes: readonly { width: number; height: number }[]): number[][] {
  const shares = sizes.map((s) => Math.min(shareMax, Math.max(shareMin, s.width / Math.max(1, s.height))));
  const out: number[][] = [];
  let counts = rowsOf[shares.length] ?? Array.from({ length: Math.ceil(shares.length / 3) }, () => 3);
  if (shares.length === 2 && shares.every((s) => s > 1.4)) counts = [1, 1]; // wide ones lie upon each other
  if (shares.length === 3 && shares[0]! < 1) counts = [3];
  let at = 0;
  for (const n of counts) {
    const row = shares.slice(at, at + n);
    at += n;
    if (row.length > 0) out.push(row);
  }
  return out;
}
