// What can be done with a chat in the list: pinned, muted, archived, marked. By a menu, and on phones by a swipe.
import { t } from '../../lib/i18n';
import { act, close, open } from '../act';
import type { Chat } from '../api';
import { chatMenuFor, current, panel, toast } from '../state';
import { type Entry, Menu } from '../view/menu';
import { muted } from '../roles';

const hour = 3_600_000;
const mutes = [
  ['mute.hour', hour],
  ['mute.eight', 8 * hour],
  ['mute.week', 7 * 24 * hour],
  ['mute.ever', -1],
] as const;

export const set = (c: Chat, what: { muted?: number; archived?: boolean; pinned?: boolean; unread?: boolean }) => act('setChat', { chat: c.id, ...what });

async function archive(c: Chat): Promise<void> {
  const on = !c.archived;
  if (!(await set(c, { archived: on }))) return;
  if (on && current.value === c.id) close();
  toast.value = { text: t(on ? 'archived.done' : 'archived.undone'), action: { label: t('photo.undo'), run: () => ((toast.value = null), void set(c, { archived: !on })) } };
}

function mark(c: Chat): void {
  if (c.unread > 0 && c.last) void act('markRead', { chat: c.id, message: c.last.id });
  if (c.unread > 0 || c.marked) void set(c, { unread: false });
  else {
    void set(c, { unread: true });
    if (current.value === c.id) close();
  }
}

export function ChatMenu() {
  const m = chatMenuFor.value;
  if (!m) return null;
  const { chat: c, at } = m;
  const done = () => {
    if (chatMenuFor.value === m) chatMenuFor.value = null;
  };
  if (m.show === 'mute') {
    return <Menu key="mute" at={at} label={t('mute.do')} onClose={done} entries={mutes.map(([label, ms]) => ({ icon: 'mute', label: t(label), run: () => void set(c, { muted: ms < 0 ? -1 : Date.now() + ms }) }))} />;
  }
  const quiet = muted(c);
  const entries: Entry[] = [
    { icon: 'pin', label: t(c.pinned ? 'list.unpin' : 'list.pin'), run: () => void set(c, { pinned: !c.pinned }) },
    { icon: quiet ? 'sound' : 'mute', label: t(quiet ? 'unmute' : 'mute.do'), run: () => (quiet ? void set(c, { muted: 0 }) : (chatMenuFor.value = { ...m, show: 'mute' })) },
    { icon: 'check', label: t(c.unread > 0 || c.marked ? 'mark.read' : 'mark.unread'), run: () => mark(c) },
    { icon: 'box', label: t(c.archived ? 'unarchive' : 'archive'), run: () => void archive(c) },
  ];
  if (c.kind !== 'saved') entries.push({ icon: 'person', label: t(c.kind === 'group' ? 'group' : 'chat.about'), run: () => void open(c.id).then(() => (panel.value = { kind: 'chat', chat: c.id })) });
  return <Menu key="menu" at={at} label={t('list.menu')} onClose={done} entries={entries} />;
}

// A swipe begins after this many px sideways, and counts from here.
const beginPx = 12;
const countsPx = 84;

/** Follows a finger that went down on a chat of the list: towards the line's beginning archives, the other way marks. */
export function swipe(e: PointerEvent, c: Chat): void {
  const row = e.currentTarget as HTMLElement;
  const from = { x: e.clientX, y: e.clientY };
  const ahead = document.documentElement.dir === 'rtl' ? -1 : 1;
  let on = false;
  let dx = 0;
  const moved = (m: PointerEvent) => {
    if (m.pointerId !== e.pointerId) return;
    dx = m.clientX - from.x;
    if (!on && Math.abs(m.clientY - from.y) > beginPx) return end(); // the list scrolls
    if (!on && Math.abs(dx) > beginPx) {
      on = true;
      row.setPointerCapture(e.pointerId);
    }
    if (!on) return;
    row.style.translate = `${Math.max(-countsPx * 1.3, Math.min(countsPx * 1.3, dx))}px`;
    row.dataset.swipe = Math.abs(dx) > countsPx ? (dx * ahead < 0 ? 'archive' : 'mark') : '';
  };
  const end = () => {
    row.style.translate = '';
    delete row.dataset.swipe;
    row.removeEventListener('pointermove', moved);
    row.removeEventListener('pointerup', up);
    row.removeEventListener('pointercancel', end);
  };
  const up = () => {
    const counts = on && Math.abs(dx) > countsPx;
    end();
    if (on) row.addEventListener('click', (x) => (x.preventDefault(), x.stopImmediatePropagation()), { capture: true, once: true });
    if (!counts) return;
    if (dx * ahead < 0) void archive(c);
    else mark(c);
  };
  row.addEventListener('pointermove', moved);
  row.addEventListener('pointerup', up);
  row.addEventListener('pointercancel', end);
}
