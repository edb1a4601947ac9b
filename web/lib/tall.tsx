// A very long list of rows of equal height: only what is near the view is in the page, and the scroll bar tells the truth.
// (Messages are of any height and keep their place from the newest backwards: list.tsx.)
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

interface Props {
  label: string;
  total: number;
  /** Height of a row, in rem. */
  row: number;
  /** tab is the row's tabIndex: one row is reached by Tab, arrows walk from it. */
  render(i: number, tab: number): ComponentChildren;
  /** Rows from first to last (exclusive) are in the page now. */
  onShow(first: number, last: number): void;
}

// Rows kept beyond each edge: more than a fast finger passes in a frame.
const beyond = 24;

export function Tall(p: Props) {
  const ref = useRef<HTMLUListElement>(null);
  const [range, setRange] = useState<readonly [number, number]>([0, beyond]);
  const px = p.row * parseFloat(getComputedStyle(document.documentElement).fontSize);
  const look = () => {
    const list = ref.current!;
    const box = list.closest('.sheet-body')!;
    const above = box.getBoundingClientRect().top - list.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(above / px) - beyond);
    const last = Math.min(p.total, Math.ceil((above + box.clientHeight) / px) + beyond);
    setRange((r) => (r[0] === first && r[1] === last ? r : [first, Math.max(first, last)]));
  };
  const latest = useRef(look);
  latest.current = look;
  useLayoutEffect(() => {
    const box = ref.current!.closest('.sheet-body')!;
    const now = () => latest.current();
    const o = new ResizeObserver(now);
    o.observe(box);
    box.addEventListener('scroll', now, { passive: true });
    return () => {
      o.disconnect();
      box.removeEventListener('scroll', now);
    };
  }, []);
  useLayoutEffect(look);
  const first = Math.min(range[0], p.total);
  const last = Math.min(range[1], p.total);
  useLayoutEffect(() => p.onShow(first, last));

  const [active, setActive] = useState(0);
  const reached = active >= first && active < last ? active : first;
  const keys = (e: KeyboardEvent) => {
    const list = ref.current!;
    const row = (e.target as HTMLElement).closest('li');
    if (!row) return;
    const at = Number(row.getAttribute('aria-posinset')) - 1;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: p.total - 1 }[e.key];
    if (to === undefined || to < 0 || to >= p.total) return;
    e.preventDefault();
    const box = list.closest('.sheet-body')!;
    const find = () => list.querySelector<HTMLElement>(`li[aria-posinset="${to + 1}"] > *`);
    if (!find()) box.scrollTop += list.getBoundingClientRect().top - box.getBoundingClientRect().top + to * px - box.clientHeight / 2;
    setActive(to);
    requestAnimationFrame(() => {
      const b = find();
      b?.focus({ preventScroll: true });
      b?.scrollIntoView({ block: 'nearest' });
    });
  };
  const items: ComponentChildren[] = [];
  for (let i = first; i < last; i++) {
    items.push(
      <li key={i} aria-setsize={p.total} aria-posinset={i + 1}>
        {p.render(i, i === reached ? 0 : -1)}
      </li>,
    );
  }
  return (
    <ul ref={ref} class="tall-list" aria-label={p.label} style={{ blockSize: `${p.total * px}px`, paddingBlockStart: `${first * px}px` }} onKeyDown={keys}>
      {items}
    </ul>
  );
}
