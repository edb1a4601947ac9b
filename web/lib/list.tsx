// A long list as a sliding window of real rows: the browser's search, selection and screen readers see them.
// It stays where the reader is: at the newest row while they are there, else at the row they look at.
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

export interface Row {
  key: string;
}

export interface ListHandle {
  toEnd(): void;
  /** Brings the row into view, once it is among the rows. Answers whether it is. */
  to(key: string, mark: boolean): boolean;
}

interface Props<T extends Row> {
  rows: readonly T[];
  label: string;
  /** Where to begin: a row's key, or the end. */
  start: string | null;
  more: boolean;
  onMore(): void;
  /** There are newer rows that are not here. */
  newer?: boolean;
  onNewer?(): void;
  /** The last row within view, and whether the end of the list is. */
  onSee(key: string, atEnd: boolean): void;
  render(row: T): ComponentChildren;
  handle: { current: ListHandle | null };
  onKeyDown?(e: KeyboardEvent): void;
}

// Rows in the page, how many more at a time, and how near the edge (px) that happens.
const windowRows = 160;
const stepRows = 60;
const nearPx = 900;
// Within this many px of the end counts as being there.
const endPx = 24;

export function List<T extends Row>(p: Props<T>) {
  const box = useRef<HTMLDivElement>(null);
  const stick = useRef(p.start === null);
  const anchor = useRef<{ key: string; top: number } | null>(null);
  const target = useRef<{ key: string; block: 'center' | 'start'; mark: boolean } | null>(p.start === null ? null : { key: p.start, block: 'start', mark: false });
  const frame = useRef(0);
  const known = useRef({ height: 0, top: 0 });
  const [last, setLast] = useState<string | null>(null); // key of the window's last row; null: the end

  const find = (key: string) => p.rows.findIndex((r) => r.key === key);
  let end = p.rows.length;
  const wanted = target.current;
  if (wanted && find(wanted.key) >= 0) end = Math.min(p.rows.length, find(wanted.key) + windowRows / 2);
  else if (last !== null && !stick.current) {
    const i = find(last);
    if (i >= 0) end = i + 1;
  }
  const begin = Math.max(0, end - windowRows);

  const element = (key: string) => box.current?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`) ?? null;

  const remember = () => {
    const b = box.current;
    if (!b) return;
    known.current = { height: b.scrollHeight, top: b.scrollTop };
    anchor.current = null;
    for (const e of b.querySelectorAll<HTMLElement>('[data-key]')) {
      if (e.offsetTop + e.offsetHeight > b.scrollTop) {
        anchor.current = { key: e.dataset.key!, top: e.offsetTop - b.scrollTop };
        break;
      }
    }
  };

  const settle = () => {
    const b = box.current;
    if (!b) return;
    const goal = target.current && element(target.current.key);
    if (goal && target.current) {
      const { block, mark } = target.current;
      target.current = null;
      stick.current = false;
      setLast(p.rows[end - 1]?.key ?? null); // the window stays here now
      b.scrollTop = block === 'center' ? goal.offsetTop - (b.clientHeight - goal.offsetHeight) / 2 : goal.offsetTop - b.clientHeight / 4;
      if (mark) {
        goal.classList.add('marked');
        goal.addEventListener('animationend', () => goal.classList.remove('marked'), { once: true });
      }
    } else if (stick.current) b.scrollTop = b.scrollHeight;
    else if (anchor.current) {
      const e = element(anchor.current.key);
      if (e) b.scrollTop = e.offsetTop - anchor.current.top;
    }
    remember();
  };
  useLayoutEffect(settle);

  const look = () => {
    frame.current = 0;
    const b = box.current;
    if (!b) return;
    // What grew under a reader at the end, a moment before the observer says so, did not take them away from there.
    if (stick.current && b.scrollHeight > known.current.height && b.scrollTop >= known.current.top - 1) settle();
    const below = b.scrollHeight - b.scrollTop - b.clientHeight;
    const atEnd = end === p.rows.length && below < endPx && !p.newer;
    if (atEnd !== stick.current && !target.current) {
      stick.current = atEnd;
      if (!atEnd) setLast(p.rows[end - 1]?.key ?? null);
    }
    remember();
    if (b.scrollTop < nearPx) {
      if (begin > 0) {
        stick.current = false;
        setLast(p.rows[Math.max(windowRows, end - stepRows) - 1]?.key ?? null);
      } else if (p.more) p.onMore();
    } else if (below < nearPx && end < p.rows.length) setLast(p.rows[Math.min(p.rows.length, end + stepRows) - 1]?.key ?? null);
    if (below < nearPx && end === p.rows.length && p.newer) p.onNewer?.();
    let seen = '';
    for (const e of b.querySelectorAll<HTMLElement>('[data-key]')) {
      if (e.offsetTop + Math.min(e.offsetHeight, 40) > b.scrollTop + b.clientHeight + 1) break;
      seen = e.dataset.key!;
    }
    if (seen) p.onSee(seen, atEnd);
  };
  const latest = useRef({ settle, look });
  latest.current = { settle, look };
  const later = () => {
    frame.current ||= requestAnimationFrame(() => latest.current.look());
  };

  // Rows that grow by themselves (an edit, a reaction) and a keyboard that opens must not move the reader either.
  useLayoutEffect(() => {
    const b = box.current!;
    const o = new ResizeObserver(() => {
      latest.current.settle();
      later();
    });
    o.observe(b);
    o.observe(b.firstElementChild!);
    return () => {
      o.disconnect();
      cancelAnimationFrame(frame.current);
    };
  }, []);
  // New rows count as seen without a scroll.
  useLayoutEffect(later, [p.rows]);

  const [, again] = useState(0);
  p.handle.current = {
    toEnd() {
      target.current = null;
      stick.current = true;
      setLast(null);
      again((n) => n + 1);
    },
    to(key, mark) {
      if (find(key) < 0) return false;
      target.current = { key, block: 'center', mark };
      again((n) => n + 1);
      return true;
    },
  };

  return (
    <div class="list" ref={box} role="log" aria-live="off" aria-label={p.label} tabIndex={0} onScroll={later} onKeyDown={p.onKeyDown}>
      <div class="rows">{p.rows.slice(begin, end).map(p.render)}</div>
    </div>
  );
}
