// Recording a voice message: held and let go to send, tapped to stay on. To the side or Esc drops it, upwards keeps it on.
import { useEffect, useRef, useState } from 'preact/hooks';
import { toBase64 } from '../../lib/bytes';
import { number, t } from '../../lib/i18n';
import { bars, clockOf, loudness, wave } from '../../lib/wave';
import { fail, putFile, send } from '../act';
import { spoken, toast } from '../state';
import { Icon, SendIcon } from '../view/icons';
import { hush } from './voice';

// A press shorter than this (ms) was a tap; a voice shorter than voiceMin is dropped.
const tapMax = 350;
const voiceMin = 700;
// No voice is longer than this: it would be larger than a file may be.
const voiceMax = 2 * 60 * 60_000;
const sideways = 90; // px
const upwards = 70;
const lookEvery = 60; // ms
const barsShown = 48;

const kinds = ['audio/webm;codecs=opus', 'audio/mp4;codecs=mp4a.40.2', 'audio/mp4', 'audio/ogg;codecs=opus'];

export function Recorder({ chat, hold, onEnd }: { chat: string; hold: boolean; onEnd(): void }) {
  const [locked, lock] = useState(!hold);
  const [slid, slide] = useState(0);
  const [time, setTime] = useState(0);
  const [levels, setLevels] = useState<readonly number[]>([]);
  const r = useRef<{ rec?: MediaRecorder; all: number[]; begun: number; over: boolean; sends: boolean }>({ all: [], begun: 0, over: false, sends: false });
  const end = useRef((_sends: boolean) => {});

  useEffect(() => {
    const me = r.current;
    let stream: MediaStream | null = null;
    let context: AudioContext | null = null;
    let timer = 0;
    const pressed = performance.now();
    const clean = () => {
      clearInterval(timer);
      stream?.getTracks().forEach((x) => x.stop());
      void context?.close().catch(() => {});
    };
    end.current = (sends) => {
      if (me.over) return;
      me.over = true;
      const length = me.begun ? performance.now() - me.begun : 0;
      me.sends = sends && length >= voiceMin;
      if (sends && !me.sends) toast.value = { text: t('voice.hint') };
      if (me.rec && me.rec.state !== 'inactive') me.rec.stop();
      clean();
      onEnd();
    };
    hush();
    (async () => {
      const granted = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true } });
      stream = granted;
      if (me.over) return clean();
      const mime = kinds.find((k) => MediaRecorder.isTypeSupported(k));
      const rec = new MediaRecorder(granted, { ...(mime ? { mimeType: mime } : {}), audioBitsPerSecond: 32_000 });
      const parts: Blob[] = [];
      rec.ondataavailable = (e) => void parts.push(e.data);
      rec.onstop = () => {
        if (!me.sends) return;
        const type = rec.mimeType.split(';')[0] || 'audio/webm';
        void sendVoice(chat, new Blob(parts, { type }), type, Math.round(performance.now() - me.begun), wave(me.all));
      };
      me.rec = rec;
      context = new AudioContext();
      const ear = context.createAnalyser();
      ear.fftSize = 2048;
      context.createMediaStreamSource(granted).connect(ear);
      const samples = new Float32Array(ear.fftSize);
      rec.start(1000);
      me.begun = performance.now();
      spoken.value = t('voice.recording');
      timer = window.setInterval(() => {
        ear.getFloatTimeDomainData(samples);
        me.all.push(loudness(samples));
        const length = performance.now() - me.begun;
        setTime(length);
        setLevels(me.all.slice(-barsShown));
        if (length > voiceMax) end.current(true);
      }, lookEvery);
    })().catch((e: unknown) => {
      const denied = e instanceof DOMException && (e.name === 'NotAllowedError' || e.name === 'NotFoundError');
      if (denied) toast.value = { text: t(e.name === 'NotAllowedError' ? 'voice.denied' : 'voice.none') };
      else fail(e);
      end.current(false);
    });

    const from = { x: NaN, y: NaN };
    let on = !hold;
    const moved = (e: PointerEvent) => {
      if (on) return;
      if (Number.isNaN(from.x)) Object.assign(from, { x: e.clientX, y: e.clientY });
      const ahead = document.documentElement.dir === 'rtl' ? -1 : 1;
      const side = Math.max(0, (from.x - e.clientX) * ahead);
      slide(side);
      if (side > sideways) end.current(false);
      else if (from.y - e.clientY > upwards) {
        on = true;
        lock(true);
        slide(0);
      }
    };
    const up = () => {
      if (on) return;
      if (performance.now() - pressed < tapMax) {
        on = true;
        lock(true);
      } else end.current(true);
    };
    const gone = () => !on && end.current(false);
    const key = (e: KeyboardEvent) => {
      if (e.key !== 'Escape') return;
      e.preventDefault();
      e.stopPropagation();
      end.current(false);
    };
    addEventListener('pointermove', moved);
    addEventListener('pointerup', up);
    addEventListener('pointercancel', gone);
    addEventListener('keydown', key, true);
    return () => {
      removeEventListener('pointermove', moved);
      removeEventListener('pointerup', up);
      removeEventListener('pointercancel', gone);
      removeEventListener('keydown', key, true);
      end.current(false); // the chat was left
    };
  }, []);

  return (
    <div class="recorder" role="group" aria-label={t('voice.recording')}>
      {locked ? (
        <button type="button" class="quiet danger" aria-label={t('voice.drop')} title={t('voice.drop')} onClick={() => end.current(false)}>
          <Icon name="trash" />
        </button>
      ) : null}
      <span class="red" aria-hidden="true" />
      <span class="time">{clockOf(time, number)}</span>
      <svg class="live" viewBox={`0 0 ${barsShown * 2} 24`} preserveAspectRatio="xMaxYMid slice" aria-hidden="true" dir="ltr">
        <path d={bars([...Array(barsShown - levels.length).fill(0), ...levels], 24)} />
      </svg>
      {locked ? null : (
        <span class="dim hint" style={{ opacity: `${1 - slid / sideways}` }}>
          {t('voice.slide')}
        </span>
      )}
      {locked ? (
        <button type="button" class="send" aria-label={t('voice.send')} title={t('voice.send')} autofocus onClick={() => end.current(true)} ref={(b) => b?.focus()}>
          <SendIcon />
        </button>
      ) : null}
    </div>
  );
}

async function sendVoice(chat: string, data: Blob, mime: string, duration: number, w: Uint8Array): Promise<void> {
  try {
    const ref = await putFile(data);
    const name = `voice.${mime.includes('mp4') ? 'm4a' : mime.includes('ogg') ? 'ogg' : 'webm'}`;
    await send(chat, '', undefined, [{ ref, name, mime, size: data.size, duration, wave: toBase64(w), voice: true }], []);
  } catch (e) {
    fail(e);
  }
}
