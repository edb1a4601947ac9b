// A photo before it is sent: cut, turned, and what nobody should see blurred. All of it happens to the pixels themselves,
// here: what was cut off or blurred leaves in no form.
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../../lib/i18n';
import { blurDots, blurRects, crop, maskFaces, type Rect, turn } from '../../lib/paint';
import { encode, open } from '../../lib/photo';
import type { Compose, Item } from '../compose';
import { panel, toast } from '../state';
import { Dialog } from '../view/dialog';
import { Icon, type IconName } from '../view/icons';

// Larger than what is sent, so that a piece cut out of it still is sharp.
const workEdgeMax = 3200;
const brushShare = 0.05; // of the photo's longer edge
const undoMax = 8;

type Tool = 'crop' | 'brush' | 'rect';
const tools: readonly { tool: Tool; icon: IconName; label: 'photo.crop' | 'photo.brush' | 'photo.rect' }[] = [
  { tool: 'crop', icon: 'crop', label: 'photo.crop' },
  { tool: 'brush', icon: 'blur', label: 'photo.brush' },
  { tool: 'rect', icon: 'square', label: 'photo.rect' },
];

export function EditorPanel({ item, into }: { item: Item; into: Compose }) {
  const place = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement | null>(null);
  const past = useRef<HTMLCanvasElement[]>([]);
  const [tool, setTool] = useState<Tool>('brush');
  const [frame, setFrame] = useState<Rect | null>(null); // being drawn, in the photo's pixels
  const [, changed] = useState(0);
  const close = () => (panel.value = null);

  const show = (c: HTMLCanvasElement) => {
    c.tabIndex = 0;
    c.setAttribute('role', 'img');
    c.setAttribute('aria-label', t('photo'));
    canvas.current?.remove();
    canvas.current = c;
    place.current?.prepend(c);
    changed((n) => n + 1);
  };
  useEffect(() => {
    let late = false;
    open(item.file).then(
      (b) => {
        const k = Math.min(1, workEdgeMax / Math.max(b.width, b.height));
        const c = document.createElement('canvas');
        c.width = Math.max(1, Math.round(b.width * k));
        c.height = Math.max(1, Math.round(b.height * k));
        c.getContext('2d')!.drawImage(b, 0, 0, c.width, c.height);
        b.close();
        if (!late) show(c);
      },
      () => {
        toast.value = { text: t('picture.failed') };
        close();
      },
    );
    return () => void (late = true);
  }, []);

  /** Keeps how it was, for undo, and does something to the pixels. */
  const change = (f: (c: HTMLCanvasElement) => HTMLCanvasElement | void) => {
    const c = canvas.current;
    if (!c) return;
    const copy = crop(c, { x: 0, y: 0, w: c.width, h: c.height });
    past.current = [...past.current.slice(1 - undoMax), copy];
    const next = f(c);
    if (next) show(next);
    else changed((n) => n + 1);
  };
  const undo = () => {
    const before = past.current.pop();
    if (before) show(before);
  };

  const at = (e: PointerEvent) => {
    const c = canvas.current!;
    const r = c.getBoundingClientRect();
    return { x: ((e.clientX - r.left) / r.width) * c.width, y: ((e.clientY - r.top) / r.height) * c.height };
  };
  const start = useRef<{ x: number; y: number } | null>(null);
  const dots = useRef<{ x: number; y: number }[]>([]);
  const down = (e: PointerEvent) => {
    if (!canvas.current || e.target !== canvas.current) return;
    place.current!.setPointerCapture(e.pointerId);
    start.current = at(e);
    if (tool === 'brush') {
      dots.current = [start.current];
      change((c) => blurDots(c, dots.current, brush(c)));
    }
  };
  const moved = (e: PointerEvent) => {
    const s = start.current;
    const c = canvas.current;
    if (!s || !c) return;
    const p = at(e);
    if (tool === 'brush') {
      // As close together as the brush is wide, however fast the finger is.
      const from = dots.current.at(-1)!;
      const n = Math.max(1, Math.ceil(Math.hypot(p.x - from.x, p.y - from.y) / (brush(c) / 2)));
      blurDots(c, Array.from({ length: n }, (_, i) => ({ x: from.x + ((p.x - from.x) * (i + 1)) / n, y: from.y + ((p.y - from.y) * (i + 1)) / n })), brush(c));
      dots.current = [p];
      return;
    }
    const x = Math.max(0, Math.min(s.x, p.x));
    const y = Math.max(0, Math.min(s.y, p.y));
    setFrame({ x, y, w: Math.min(c.width, Math.max(s.x, p.x)) - x, h: Math.min(c.height, Math.max(s.y, p.y)) - y });
  };
  const up = () => {
    start.current = null;
    if (tool !== 'rect' || !frame) return;
    setFrame(null);
    if (frame.w > 4 && frame.h > 4) change((c) => blurRects(c, [frame]));
  };
  const cut = () => {
    if (!frame || frame.w < 16 || frame.h < 16) return;
    setFrame(null);
    change((c) => crop(c, frame));
  };
  /** The frame by keys: arrows move its end, with Shift its beginning. */
  const key = (e: KeyboardEvent) => {
    if ((e.ctrlKey || e.metaKey) && e.key === 'z') {
      e.preventDefault();
      undo();
      return;
    }
    const c = canvas.current;
    const d = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
    if (!c || e.target !== c) return;
    if (e.key === 'Enter' && frame) {
      e.preventDefault();
      if (tool === 'crop') cut();
      else {
        const f = frame;
        setFrame(null);
        change((x) => blurRects(x, [f]));
      }
    }
    if (!d || tool === 'brush') return;
    e.preventDefault();
    const f = frame ?? { x: c.width / 4, y: c.height / 4, w: c.width / 2, h: c.height / 2 };
    const [dx, dy] = [d[0]! * c.width * 0.02, d[1]! * c.height * 0.02];
    const n = e.shiftKey ? { x: f.x + dx, y: f.y + dy, w: f.w, h: f.h } : { ...f, w: f.w + dx, h: f.h + dy };
    n.w = Math.max(8, Math.min(n.w, c.width));
    n.h = Math.max(8, Math.min(n.h, c.height));
    n.x = Math.max(0, Math.min(n.x, c.width - n.w));
    n.y = Math.max(0, Math.min(n.y, c.height - n.h));
    setFrame(n);
  };
  const faces = async () => {
    const found = await maskFaces(canvas.current!);
    if (found.length === 0) toast.value = { text: t('photo.faces.none') };
    else change((c) => blurRects(c, found));
  };
  const done = async () => {
    const c = canvas.current;
    if (!c) return;
    const b = await encode(c, item.file.type === 'image/jpeg' ? 'image/jpeg' : 'image/webp', 0.92);
    into.change(item, new File([b], item.name, { type: b.type }));
    close();
  };
  const c = canvas.current;
  const edge = (n: number, of: number) => `${(100 * n) / Math.max(1, of)}%`;
  return (
    <Dialog title={t('photo.edit')} onClose={close} class="tall editor">
      <div class="editor-pane" onKeyDown={key}>
        <div class="editor-photo" ref={place} onPointerDown={down} onPointerMove={moved} onPointerUp={up} onPointerCancel={() => ((start.current = null), setFrame(null))}>
          {frame && c ? <span class={tool} style={{ left: edge(frame.x, c.width), top: edge(frame.y, c.height), width: edge(frame.w, c.width), height: edge(frame.h, c.height) }} /> : null}
        </div>
      </div>
      <p class="dim center" role="status">
        {t(tool === 'crop' ? 'photo.crop.hint' : tool === 'brush' ? 'photo.brush.hint' : 'photo.rect.hint')}
      </p>
      <div class="editor-tools" role="toolbar" aria-label={t('photo.edit')}>
        {tools.map((x) => (
          <button
            key={x.tool}
            type="button"
            class="quiet"
            aria-pressed={tool === x.tool}
            aria-label={t(x.label)}
            title={t(x.label)}
            onClick={() => {
              setTool(x.tool);
              setFrame(null);
            }}
          >
            <Icon name={x.icon} />
          </button>
        ))}
        {'FaceDetector' in globalThis ? (
          <button type="button" class="quiet" aria-label={t('photo.faces')} title={t('photo.faces')} onClick={() => void faces()}>
            <Icon name="person" />
          </button>
        ) : null}
        <button type="button" class="quiet" aria-label={t('photo.turn')} title={t('photo.turn')} onClick={() => (setFrame(null), change(turn))}>
          <Icon name="turn" />
        </button>
        <button type="button" class="quiet" aria-label={t('photo.undo')} title={t('photo.undo')} disabled={past.current.length === 0} onClick={() => (setFrame(null), undo())}>
          <Icon name="undo" />
        </button>
        <span class="grow" />
        {tool === 'crop' && frame ? (
          <button type="button" onClick={cut}>
            {t('photo.cut')}
          </button>
        ) : null}
        <button type="button" class="primary" disabled={!c} onClick={() => void done()}>
          {t('photo.done')}
        </button>
      </div>
    </Dialog>
  );
}

const brush = (c: HTMLCanvasElement) => Math.max(c.width, c.height) * brushShare;
