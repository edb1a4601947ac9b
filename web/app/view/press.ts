// A long press by finger, for browsers that make no contextmenu event of it.
import { useRef } from 'preact/hooks';
import type { Place } from './menu';

// A finger that rests this long (ms) asks for the menu; one that moves this far (px) does not rest.
const pressDelay = 450;
const restPx = 10;

/** Handlers for an element that has a menu. A press on what matches but has a meaning of its own; the click after one has none. */
export function usePress(menu: (at: Place) => void, but = '') {
  const state = useRef({ timer: 0, x: 0, y: 0, pressed: false });
  const s = state.current;
  const stop = () => clearTimeout(s.timer);
  return {
    onPointerDown(e: PointerEvent) {
      s.pressed = false;
      if (e.pointerType !== 'touch' || (but && (e.target as HTMLElement).closest(but))) return;
      Object.assign(s, { x: e.clientX, y: e.clientY });
      stop();
      s.timer = window.setTimeout(() => {
        s.pressed = true;
        menu({ x: s.x, y: s.y });
      }, pressDelay);
    },
    onPointerUp: stop,
    onPointerCancel: stop,
    onPointerMove(e: PointerEvent) {
      if (Math.hypot(e.clientX - s.x, e.clientY - s.y) > restPx) stop();
    },
    onClickCapture(e: Event) {
      if (!s.pressed) return;
      s.pressed = false;
      e.preventDefault();
      e.stopPropagation();
    },
  };
}
