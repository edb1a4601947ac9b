// The loudness of a voice message over time, as 64 bytes at most: what is drawn under it.

export const waveMax = 64;

/** The loudness of a piece of sound, 0 to 255, by its mean square: quiet speech is seen, too. */
export function loudness(samples: Float32Array): number {
  let sum = 0;
  for (const s of samples) sum += s * s;
  return Math.min(255, Math.round(255 * Math.min(1, Math.sqrt(sum / Math.max(1, samples.length)) * 4) ** 0.6));
}

/** Any number of loudnesses as at most waveMax, the loudest of each part, stretched to the whole height. */
export function wave(all: readonly number[]): Uint8Array {
  const n = Math.min(waveMax, all.length);
  const out = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    let most = 0;
    for (let k = Math.floor((i * all.length) / n); k < Math.floor(((i + 1) * all.length) / n); k++) most = Math.max(most, all[k]!);
    out[i] = most;
  }
  const top = Math.max(1, ...out);
  return top < 16 ? out : out.map((x) => Math.round((x * 255) / top)); // silence stays silence
}

/** The bars of a wave as a path, one unit wide each with one unit between, in a room of the given height. */
export function bars(w: ArrayLike<number>, height: number): string {
  let d = '';
  for (let i = 0; i < w.length; i++) {
    const h = Math.max(2, ((w[i] ?? 0) / 255) * height);
    d += `M${i * 2 + 0.5} ${((height - h) / 2).toFixed(1)}v${h.toFixed(1)}`;
  }
  return d;
}

/** m:ss */
export function clockOf(ms: number, digits: (n: number) => string): string {
  const s = Math.max(0, Math.round(ms / 1000));
  return `${digits(Math.floor(s / 60))}:${digits(s % 60).padStart(2, digits(0))}`;
}
