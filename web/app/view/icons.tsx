// Icons, drawn as lines on a 24-pixel square. They carry no words: the button around them has the label.
import type { more } from '../later/icons';

const paths = {
  back: 'M15 5l-7 7 7 7',
  attach: 'M20 11.5l-8.2 8.2a5 5 0 0 1-7-7l8.6-8.6a3.3 3.3 0 0 1 4.7 4.7l-8.6 8.5a1.7 1.7 0 0 1-2.4-2.3l7.9-7.9',
  smile: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8.5 14.2a4.2 4.2 0 0 0 7 0M9 9.6v.4M15 9.6v.4',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM20 20l-4.8-4.8',
  gear: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 9.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4zM9 19.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4z',
  invite: 'M9.5 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM2.8 20a6.7 6.7 0 0 1 13.4 0M19 8v6M16 11h6',
  group: 'M9 11.5a3.7 3.7 0 1 0 0-7.4 3.7 3.7 0 0 0 0 7.4zM2.5 19.5a6.5 6.5 0 0 1 13 0M16 4.6a3.5 3.5 0 0 1 0 6.6M18.5 14.4a6 6 0 0 1 3 5.1',
  close: 'M6 6l12 12M18 6L6 18',
  reply: 'M10 6L4 12l6 6M4.5 12H14a6 6 0 0 1 6 6v1',
  edit: 'M4 20l1-4L16.5 4.5a2.1 2.1 0 0 1 3 3L8 19l-4 1zM14.5 6.5l3 3',
  copy: 'M9 9h9.5A1.5 1.5 0 0 1 20 10.5v8a1.5 1.5 0 0 1-1.5 1.5h-8A1.5 1.5 0 0 1 9 18.5zM15 9V5.5A1.5 1.5 0 0 0 13.5 4h-8A1.5 1.5 0 0 0 4 5.5v8A1.5 1.5 0 0 0 5.5 15H9',
  trash: 'M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.5 11v5M13.5 11v5',
  more: 'M12 5.6v.1M12 12v.1M12 18.4v.1',
  down: 'M6 9.5l6 6 6-6',
  file: 'M7 3.5h6.5L18 8v12.5H7zM13.5 3.5V8H18',
  download: 'M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  clock: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 7.5V12l3 2',
  alert: 'M12 4l9 16H3zM12 10v4.5M12 17v.2',
  bookmark: 'M7 4h10v16l-5-4-5 4z',
  image: 'M4 5h16v14H4zM4 16l4.5-4.5 4 4L15 13l5 5M15.5 9.3v.1',
  retry: 'M19 12a7 7 0 1 1-2.2-5.1M19 4v4.5h-4.5',
  leave: 'M14 4H6v16h8M10 12h10M16.5 8.5L20 12l-3.5 3.5',
  next: 'M9.5 6l6 6-6 6',
  link: 'M10 14a4 4 0 0 0 5.7 0l3.2-3.2a4 4 0 0 0-5.7-5.7L12 6.3M14 10a4 4 0 0 0-5.7 0l-3.2 3.2a4 4 0 0 0 5.7 5.7l1.2-1.2',
  shield: 'M12 3.5l7 2.6V11c0 4.6-2.8 7.8-7 9.5-4.2-1.7-7-4.9-7-9.5V6.1z',
  pin: 'M9 4h6l-.6 6 3.1 3.5h-11L9.6 10zM12 13.5V20',
  device: 'M8 3.5h8A1.5 1.5 0 0 1 17.5 5v14a1.5 1.5 0 0 1-1.5 1.5H8A1.5 1.5 0 0 1 6.5 19V5A1.5 1.5 0 0 1 8 3.5zM11 17.5h2',
  key: 'M8.5 20a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM11.7 12.3L20 4M16 8l3 3M13.5 10.5l2 2',
  block: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM6 6l12 12',
  server: 'M5 4.5h14v6H5zM5 13.5h14v6H5zM8 7.5h.1M8 16.5h.1',
  crown: 'M4.5 18h15l1-9.5-4.7 3.5L12 6l-3.8 6-4.7-3.5z',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM5 20a7 7 0 0 1 14 0',
  door: 'M6 20.5V4.5h10v16M4 20.5h16M13 12.5v.1',
  folder: 'M3.5 6h6l2 2.5h9v10.5h-17z',
  cloud: 'M4 4l16 16M8 8.5A5 5 0 0 0 7.5 18H16M10.8 6.8A5.5 5.5 0 0 1 17.3 11 3.6 3.6 0 0 1 19.5 17',
  mute: 'M6 10a6 6 0 0 1 9.5-4.9M18 10c0 5 2 6.5 2 6.5H6M5 16.5s1-1 1-6.5M10 19.5a2.2 2.2 0 0 0 4 0M4 4l16 16',
  timer: 'M12 20.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15zM12 9v4.5M9.5 3h5',
  mic: 'M12 14.5a3.5 3.5 0 0 0 3.5-3.5V7a3.5 3.5 0 0 0-7 0v4a3.5 3.5 0 0 0 3.5 3.5zM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21',
} as const;

export type IconName = keyof typeof paths | keyof typeof more;

const all: Record<string, string> = { ...paths };

/** Puts in the icons of views that were loaded later. */
export const addIcons = (icons: Record<string, string>) => void Object.assign(all, icons);

export function Icon(p: { name: IconName }) {
  const turns = p.name === 'back' || p.name === 'reply' || p.name === 'leave' || p.name === 'next' || p.name === 'onward' || p.name === 'undo';
  return (
    <svg class={turns ? 'icon turns' : 'icon'} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={all[p.name] ?? ''} />
    </svg>
  );
}

/** The folded plane. */
export function Mark(p: { big?: boolean }) {
  return (
    <svg class={p.big ? 'mark big' : 'mark'} viewBox="0 0 64 64" aria-hidden="true" focusable="false">
      <path class="wing" d="M4 30 60 6 44 54 29 40z" />
      <path class="fold" d="M60 6 22 36v20l7-16z" />
      <path class="keel" d="M4 30l18 6L60 6z" />
      <path class="shade" d="M22 56l11-12-4-4z" />
    </svg>
  );
}

/** The paper plane of the send button. */
export function SendIcon() {
  return (
    <svg class="icon solid turns" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d="M3 4.5l18.5 7.5L3 19.5l2.5-6.3L14 12 5.5 10.8z" />
    </svg>
  );
}

/** How far an own message has got: none to two ticks. */
export function Ticks(p: { two: boolean }) {
  return (
    <svg class="icon ticks" viewBox="0 0 24 16" aria-hidden="true" focusable="false">
      <path d={p.two ? 'M2 9l4 4L14 4M10.5 12l1 1L20.5 4' : 'M6 9l4 4L18 4'} />
    </svg>
  );
}
