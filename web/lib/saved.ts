// This device's few choices that must be known before the core runs. Storage may be forbidden: then nothing is kept.
export function saved(key: string): string | null {
  try {
    return localStorage.getItem(`pp.${key}`);
  } catch {
    return null;
  }
}

export function save(key: string, value: string): void {
  try {
    localStorage.setItem(`pp.${key}`, value);
  } catch {
    // a private window: the choice lasts as long as the page
  }
}
