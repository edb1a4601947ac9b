// Photos and videos of a chat over the whole page: swiped, looked at closely, saved, handed on.
import { signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { isShown, isVideo } from '../../lib/image';
import { full, number, t } from '../../lib/i18n';
import { move, type View, whole, zoomAt } from '../../lib/zoom';
import { fail, getFile } from '../act';
import type { Attachment, Message } from '../api';
import { imageURL, saveFile } from '../files';
import { lightbox, panel } from '../state';
import { thread } from '../thread';
import { smallURL } from '../view/avatar';
import { Icon } from '../view/icons';
import { Text } from '../view/text';
import { hush } from './voice';

// A finger that has moved this far (px) has swiped; one that has moved less than tapPx has tapped.
const swipePx = 70;
const tapPx = 8;
const doubleTap = 300; // ms

const shows = (f: Attachment) => f.ref !== undefined && f.sticker === undefined && (isShown(f.mime) || isVideo(f.mime));

/** All that can be shown of the chat as far as it is in the page, oldest first. */
function all(chat: string): { message: Message; index: number }[] {
  return thread(chat).messages.value.flatMap((message) => (message.files ?? []).flatMap((f, index) => (message.kind !== 'deleted' && shows(f) ? [{ message, index }] : [])));
}

export function Viewer() {
  const ref = useRef<HTMLDialogElement>(null);
  const [view, setView] = useState<View>(whole);
  const [drag, setDrag] = useState({ x: 0, y: 0 });
  useEffect(() => {
    const before = document.activeElement;
    ref.current!.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const open = lightbox.value!;
  const chat = all(open.message.chat);
  const at = chat.findIndex((x) => x.message.id === open.message.id && x.index === open.index);
  const items = at < 0 ? [open] : chat;
  const here = Math.max(0, at);
  const message = items[here]!.message;
  const file = message.files?.[open.index];
  useLayoutEffect(() => (setView(whole), setDrag({ x: 0, y: 0 })), [message.id, open.index]);
  const close = () => (lightbox.value = null);
  const go = (step: number) => {
    const next = items[here + step];
    if (next) lightbox.value = next;
  };
  // Older ones lie towards the line's beginning.
  const ahead = document.documentElement.dir === 'rtl' ? -1 : 1;
  const pane = () => ({ width: ref.current!.clientWidth, height: ref.current!.clientHeight });
  const photo = () => {
    const img = ref.current!.querySelector<HTMLElement>('.shown');
    return { width: img?.offsetWidth ?? 1, height: img?.offsetHeight ?? 1 };
  };
  const zoom = (by: number, x = 0, y = 0) => setView((v) => zoomAt(v, by, x, y, photo(), pane()));
  const middle = (x: number, y: number) => ({ x: x - innerWidth / 2, y: y - innerHeight / 2 });
  const still = file !== undefined && isShown(file.mime);

  const fingers = useRef(new Map<number, { x: number; y: number }>());
  const start = useRef({ x: 0, y: 0, moved: false, tapped: 0 });
  const down = (e: PointerEvent) => {
    if (!still || (e.target as HTMLElement).closest('button, a')) return;
    fingers.current.set(e.pointerId, { x: e.clientX, y: e.clientY });
    if (fingers.current.size === 1) Object.assign(start.current, { x: e.clientX, y: e.clientY, moved: false });
    else start.current.moved = true; // two fingers are no tap
    (e.currentTarget as HTMLElement).setPointerCapture(e.pointerId);
  };
  const moved = (e: PointerEvent) => {
    const before = fingers.current.get(e.pointerId);
    if (!before) return;
    const now = { x: e.clientX, y: e.clientY };
    const other = [...fingers.current].find(([id]) => id !== e.pointerId)?.[1];
    fingers.current.set(e.pointerId, now);
    if (Math.hypot(now.x - start.current.x, now.y - start.current.y) > tapPx) start.current.moved = true;
    if (other) {
      const m = middle((now.x + other.x) / 2, (now.y + other.y) / 2);
      const was = Math.hypot(before.x - other.x, before.y - other.y);
      if (was > 0) zoom(Math.hypot(now.x - other.x, now.y - other.y) / was, m.x, m.y);
    } else if (view.scale > 1) setView((v) => move(v, now.x - before.x, now.y - before.y, photo(), pane()));
    else if (e.pointerType !== 'mouse') setDrag({ x: now.x - start.current.x, y: Math.max(0, now.y - start.current.y) });
  };
  const up = (e: PointerEvent) => {
    if (!fingers.current.delete(e.pointerId) || fingers.current.size > 0) return;
    const { x, y } = drag;
    setDrag({ x: 0, y: 0 });
    if (e.type === 'pointercancel') return;
    if (Math.abs(x) > swipePx && Math.abs(x) > y) go(x > 0 ? -ahead : ahead);
    else if (y > swipePx) close();
    else if (!start.current.moved) {
      const quickly = e.timeStamp - start.current.tapped < doubleTap;
      start.current.tapped = quickly ? 0 : e.timeStamp;
      if (quickly) {
        const m = middle(e.clientX, e.clientY);
        zoom(view.scale > 1 ? 0 : 2.5, m.x, m.y);
      } else if (!(e.target as HTMLElement).closest('.shown') && view.scale === 1) close();
    }
  };
  const key = (e: KeyboardEvent) => {
    if (e.target instanceof HTMLVideoElement && e.key !== 'Escape') return;
    const step = { ArrowRight: ahead, ArrowLeft: -ahead }[e.key];
    if (step !== undefined) go(step);
    else if (e.key === '+' || e.key === '=') zoom(1.5);
    else if (e.key === '-') zoom(1 / 1.5);
    else if (e.key === '0') setView(whole);
    else return;
    e.preventDefault();
  };
  return (
    <dialog ref={ref} class="lightbox" aria-label={t(still ? 'photo' : 'video')} onKeyDown={key} onCancel={(e) => (e.preventDefault(), close())} onPointerDown={down} onPointerMove={moved} onPointerUp={up} onPointerCancel={up} onWheel={(e) => still && zoom(e.deltaY < 0 ? 1.2 : 1 / 1.2, middle(e.clientX, e.clientY).x, middle(e.clientX, e.clientY).y)}>
      <div class="lightbox-bar">
        <span class="grow">
          <bdi>{message.own ? t('you') : message.fromName}</bdi>
          <span class="when">
            {items.length > 1 ? `${t('photo.of', { i: number(here + 1), n: number(items.length) })} · ` : ''}
            {full(message.at)}
          </span>
        </span>
        {still ? (
          <button type="button" class="quiet" aria-label={t('zoom')} title={t('zoom')} aria-pressed={view.scale > 1} onClick={() => zoom(view.scale > 1 ? 0 : 2)}>
            <Icon name="search" />
          </button>
        ) : null}
        <button
          type="button"
          class="quiet"
          aria-label={t('forward')}
          title={t('forward')}
          onClick={() => {
            close();
            panel.value = { kind: 'send-on', chat: message.chat, messages: [message.id] };
          }}
        >
          <Icon name="onward" />
        </button>
        <button type="button" class="quiet" aria-label={t('save')} title={t('save')} onClick={() => file && void saveFile(file)}>
          <Icon name="download" />
        </button>
        <button type="button" class="quiet" aria-label={t('close')} onClick={close}>
          <Icon name="close" />
        </button>
      </div>
      {here > 0 ? (
        <button type="button" class="quiet side before" aria-label={t('photo.before')} onClick={() => go(-1)}>
          <Icon name="back" />
        </button>
      ) : null}
      <div class="lightbox-pane">{file ? still ? <Still file={file} message={message} view={view} drag={drag} /> : <Video key={file.ref} file={file} /> : null}</div>
      {here < items.length - 1 ? (
        <button type="button" class="quiet side after" aria-label={t('photo.after')} onClick={() => go(1)}>
          <Icon name="back" />
        </button>
      ) : null}
      {message.text ? (
        <div class="caption text" dir="auto" tabIndex={0}>
          <Text text={message.text} mentions={message.mentions} />
        </div>
      ) : null}
    </dialog>
  );
}

function Still({ file, message, view, drag }: { file: Attachment; message: Message; view: View; drag: { x: number; y: number } }) {
  const url = imageURL(file).value;
  if (!url) return null;
  return <img class="shown" src={url} draggable={false} alt={t('photo.from', { who: message.fromName })} style={{ translate: `${view.x + drag.x}px ${view.y + drag.y}px`, scale: `${view.scale}`, cursor: view.scale > 1 ? 'grab' : '' }} />;
}

/** The local file as a URL while something shows it. */
function useURL(file: Attachment): string | null {
  const [url, set] = useState<string | null>(null);
  useEffect(() => {
    if (!file.ref) return;
    let made = '';
    let late = false;
    getFile(file.ref).then((b) => {
      if (late) return;
      made = URL.createObjectURL(b.slice(0, b.size, file.mime === 'video/quicktime' ? 'video/mp4' : file.mime));
      set(made);
    }, fail);
    return () => {
      late = true;
      if (made) URL.revokeObjectURL(made);
    };
  }, [file.ref]);
  return url;
}

function Video({ file }: { file: Attachment }) {
  const url = useURL(file);
  const broken = signal(false);
  useEffect(hush, []);
  if (broken.value) return <p>{t('video.broken')}</p>;
  return url ? <video class="shown" src={url} poster={file.preview ? smallURL(file.preview) : undefined} controls autoplay playsInline onError={() => (broken.value = true)} /> : null;
}

/** A video's own first frame, with the sign that it plays. */
export function Frame({ file }: { file: Attachment }) {
  const url = useURL(file);
  return (
    <>
      {url ? <video class="sharp" src={`${url}#t=0.3`} preload="metadata" muted playsInline tabIndex={-1} aria-hidden="true" /> : null}
      {file.state === 'uploading' ? null : (
        <span class="disc">
          <Icon name="play" />
        </span>
      )}
    </>
  );
}
