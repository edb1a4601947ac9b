// Voice messages and music: one plays at a time, on while the chat is scrolled or left, and the next voice follows by itself.
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { fromBase64 } from '../../lib/bytes';
import { number, t } from '../../lib/i18n';
import { bars, clockOf } from '../../lib/wave';
import { fail, getFile } from '../act';
import type { Attachment, Message } from '../api';
import { thread } from '../thread';
import { fetchFile, Ring } from '../view/attachments';
import { Icon } from '../view/icons';

const speeds = [1, 1.5, 2] as const;
const barsHeight = 24;
// A voice up to this size comes by itself.
const autoBytesMax = 4_000_000;

interface Now {
  key: string; // message and file
  paused: boolean;
  at: number; // ms
  length: number; // ms, 0 while not known
}

const now = signal<Now | null>(null);
const speed = signal<number>(1);
let sound: HTMLAudioElement | null = null;
let url = '';

const keyOf = (m: Message, index: number) => `${m.id} ${index}`;
const lengthOf = (f: Attachment) => f.duration || (Number.isFinite(sound?.duration) ? (sound?.duration ?? 0) * 1000 : 0);

/** Ends what plays, as a recording or a video begins. */
export function hush(): void {
  sound?.pause();
  sound = null;
  if (url) URL.revokeObjectURL(url);
  url = '';
  now.value = null;
}

async function play(m: Message, index: number, from = 0): Promise<void> {
  const file = m.files?.[index];
  if (!file?.ref) return;
  hush();
  const key = keyOf(m, index);
  now.value = { key, paused: false, at: from, length: file.duration ?? 0 };
  try {
    const data = await getFile(file.ref);
    if (now.value?.key !== key) return; // another was pressed meanwhile
    url = URL.createObjectURL(data.slice(0, data.size, file.mime));
    const a = new Audio(url);
    sound = a;
    const mine = (f: () => void) => () => {
      if (sound === a) f();
    };
    a.preservesPitch = true;
    a.ontimeupdate = mine(() => (now.value = { key, paused: a.paused, at: a.currentTime * 1000, length: lengthOf(file) }));
    a.onplay = a.onpause = mine(() => now.value && (now.value = { ...now.value, paused: a.paused }));
    a.onended = mine(() => {
      hush();
      if (file.voice) void next(m);
    });
    a.onerror = mine(() => {
      hush();
      fail(new Error('the browser cannot play it'));
    });
    a.playbackRate = a.defaultPlaybackRate = speed.value;
    if (from > 0) a.currentTime = from / 1000;
    await a.play();
  } catch (e) {
    if (now.value?.key === key) {
      hush();
      fail(e);
    }
  }
}

/** The voice message right behind this one. */
async function next(m: Message): Promise<void> {
  const all = thread(m.chat).messages.value;
  const n = all[all.findIndex((x) => x.id === m.id) + 1];
  if (n?.files?.[0]?.voice && n.files[0].ref) await play(n, 0);
}

export function VoiceLine({ m, file, index, line }: { m: Message; file: Attachment; index: number; line: preact.JSX.Element }) {
  const key = keyOf(m, index);
  useEffect(() => {
    if (file.voice && file.state === 'remote' && file.size <= autoBytesMax) fetchFile(m, index);
  }, [file.state]);
  if (!file.ref && !file.voice) return line;
  const it = now.value?.key === key ? now.value : null;
  const length = it?.length || file.duration || 0;
  const share = it && length > 0 ? Math.min(1, it.at / length) : 0;
  const moving = !file.ref && file.state === 'loading';
  const press = () => {
    if (!file.ref) fetchFile(m, index);
    else if (!it || !sound) void play(m, index);
    else if (sound.paused) void sound.play().catch(fail);
    else sound.pause();
  };
  const seek = (ms: number) => {
    if (it && sound) {
      sound.currentTime = ms / 1000;
      now.value = { ...it, at: ms };
    } else void play(m, index, ms);
  };
  const w = file.wave ? fromBase64(file.wave) : new Uint8Array();
  const drawn = w.length > 0 ? w : new Uint8Array(40);
  const path = bars(drawn, barsHeight);
  const time = clockOf(it ? it.at : length, number);
  const room = `0 0 ${drawn.length * 2} ${barsHeight}`;
  return (
    <div class="voice">
      <button type="button" class="disc" aria-label={it && !it.paused ? t('voice.pause') : t(file.voice ? 'voice.play' : 'audio.play', { name: file.name, time })} onClick={press}>
        {moving ? <Ring file={file} /> : <Icon name={it && !it.paused ? 'pause' : file.ref ? 'play' : file.state === 'failed' ? 'retry' : 'download'} />}
      </button>
      <span class="voice-lines">
        {file.voice ? null : <bdi class="file-name">{file.name}</bdi>}
        <span class="wave" dir="ltr">
          <svg viewBox={room} preserveAspectRatio="none" aria-hidden="true">
            <path d={path} />
          </svg>
          <svg viewBox={room} preserveAspectRatio="none" aria-hidden="true" class="played" style={{ clipPath: `inset(0 ${(1 - share) * 100}% 0 0)` }}>
            <path d={path} />
          </svg>
          <input type="range" min={0} max={Math.max(1, Math.round(length))} step={100} value={it?.at ?? 0} disabled={!file.ref || length === 0} aria-label={t('voice.at')} aria-valuetext={t('voice.of', { at: clockOf(it?.at ?? 0, number), length: clockOf(length, number) })} onInput={(e) => seek(Number(e.currentTarget.value))} />
        </span>
        <span class="dim">{time}</span>
      </span>
      {it ? (
        <button
          type="button"
          class="speed"
          aria-label={t('voice.speed', { speed: number(speed.value) })}
          onClick={() => {
            speed.value = speeds[(speeds.indexOf(speed.value as 1) + 1) % speeds.length]!;
            if (sound) sound.playbackRate = sound.defaultPlaybackRate = speed.value;
          }}
        >
          {number(speed.value)}×
        </button>
      ) : null}
    </div>
  );
}
