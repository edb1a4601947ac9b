// A menu at a place on the page; on a phone a sheet from below. The browser closes it on Esc and outside clicks.
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { Icon, type IconName } from './icons';

export interface Entry {
  icon: IconName;
  label: string;
  danger?: boolean;
  run(): void;
}

export interface Place {
  x: number;
  y: number;
}

interface Props {
  at: Place;
  label: string;
  entries: readonly Entry[];
  top?: ComponentChildren;
  onClose(): void;
}

const edge = 8;

/** Puts an element of the top layer at a place, within the page. A phone's style sheet overrules it. */
export function place(e: HTMLElement, at: Place): void {
  const { offsetWidth: w, offsetHeight: h } = e;
  const x = Math.max(edge, Math.min(at.x, innerWidth - w - edge));
  const y = at.y + h + edge > innerHeight ? Math.max(edge, at.y - h) : at.y;
  e.style.left = `${x}px`;
  e.style.top = `${y}px`;
}

export function Menu(p: Props) {
  const ref = useRef<HTMLDivElement>(null);
  const before = useRef(document.activeElement);
  const onClose = useRef(p.onClose);
  onClose.current = p.onClose;
  useLayoutEffect(() => {
    const m = ref.current!;
    m.showPopover();
    place(m, p.at);
    m.querySelector<HTMLElement>('[role=menuitem]')?.focus();
  }, []);
  useEffect(() => {
    const m = ref.current!;
    const toggled = (e: Event) => {
      if ((e as ToggleEvent).newState === 'closed') onClose.current();
    };
    m.addEventListener('toggle', toggled);
    return () => {
      m.removeEventListener('toggle', toggled);
      const b = before.current;
      if (b instanceof HTMLElement && b.isConnected && (document.activeElement === document.body || m.contains(document.activeElement))) b.focus();
    };
  }, []);
  const key = (e: KeyboardEvent) => {
    const items = [...ref.current!.querySelectorAll<HTMLElement>('[role=menuitem]')];
    const i = items.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: i + 1, ArrowUp: i - 1, Home: 0, End: items.length - 1 }[e.key];
    if (to !== undefined) {
      e.preventDefault();
      items[(to + items.length) % items.length]?.focus();
    } else if (e.key === 'Tab') onClose.current();
  };
  return (
    <div ref={ref} class="menu" popover="auto" role="menu" aria-label={p.label} onKeyDown={key}>
      {p.top}
      {p.entries.map((x) => (
        <button
          key={x.label}
          type="button"
          role="menuitem"
          class={x.danger ? 'danger' : ''}
          onClick={() => {
            p.onClose();
            x.run();
          }}
        >
          <Icon name={x.icon} />
          {x.label}
        </button>
      ))}
    </div>
  );
}
