// Days and times of date fields, which know no time zone: the person's own is meant.

/** When the day of a date field (2006-01-02) begins, or the day that many later, in ms since 1970; null while there is none. */
export function fromLocalDay(value: string, later = 0): number | null {
  const m = /^(\d{4})-(\d\d)-(\d\d)$/.exec(value);
  if (!m) return null;
  const at = new Date(Number(m[1]), Number(m[2]) - 1, Number(m[3]) + later).getTime();
  return Number.isNaN(at) ? null : at;
}

/** A time as the value of a field for date and time (2006-01-02T15:04). */
export function localTime(at: number): string {
  const d = new Date(at);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}T${two(d.getHours())}:${two(d.getMinutes())}`;
}
