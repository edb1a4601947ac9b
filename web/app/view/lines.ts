// From messages to the rows of the list: days, the line above what is new, and runs of one sender.
import type { Message } from '../api';

export type Line =
  | { kind: 'day'; key: string; at: number }
  | { kind: 'new'; key: string }
  | { kind: 'notice'; key: string; message: Message }
  | { kind: 'message'; key: string; message: Message; first: boolean; last: boolean };

// Messages of one sender closer together than this are one run.
const runGap = 5 * 60_000;

const midnight = (at: number) => new Date(at).setHours(0, 0, 0, 0);

/** The rows for messages; newFrom is the id of the first new one. */
export function lines(messages: readonly Message[], newFrom: string | null): Line[] {
  const out: Line[] = [];
  let today = Number.NaN;
  let before: Message | null = null;
  for (const m of messages) {
    const d = midnight(m.at);
    let broken = false;
    // By the senders' clocks a day may come twice: the key tells them apart.
    if (d !== today) {
      out.push({ kind: 'day', key: `d${d}-${m.id}`, at: m.at });
      today = d;
      broken = true;
    }
    if (m.id === newFrom) {
      out.push({ kind: 'new', key: 'new' });
      broken = true;
    }
    if (m.kind === 'notice') {
      out.push({ kind: 'notice', key: `m${m.id}`, message: m });
      before = null;
      continue;
    }
    const first = broken || before === null || before.from !== m.from || m.at - before.at > runGap;
    if (!first) {
      const above = out.at(-1);
      if (above?.kind === 'message') above.last = false;
    }
    out.push({ kind: 'message', key: `m${m.id}`, message: m, first, last: true });
    before = m;
  }
  return out;
}
