// The ways in for who uses Paperplane already: with another device, or with the twelve words.
import { useEffect, useRef, useState } from 'preact/hooks';
import { t, tAny } from '../../lib/i18n';
import { deviceName } from '../../lib/device';
import { dirFor } from '../../lib/lang';
import { act, ask, way, words } from '../act';
import { linking, takeState } from '../state';
import { Icon } from '../view/icons';
import { clearLink, elsewhere, forDevice, link, parseLink } from '../view/link';
import { Elsewhere } from '../view/welcome';
import { Compare, Problem, Progress } from './parts';

async function enter(): Promise<void> {
  clearLink();
  takeState(await ask('getState', {}));
}

export function Returning({ given, onBack }: { given: string | null; onBack(): void }) {
  const [kind, setKind] = useState<'choose' | 'device' | 'words'>(given ? 'device' : 'choose');
  if (kind === 'device') return <WithDevice given={given} onBack={() => (given ? onBack() : setKind('choose'))} />;
  if (kind === 'words') return <WithWords onBack={() => setKind('choose')} />;
  return (
    <div class="ways">
      <p>{t('return.hint')}</p>
      <button type="button" class="way" onClick={() => setKind('device')}>
        <Icon name="device" />
        <span class="grow">
          <b>{t('return.device')}</b>
          <span class="dim block">{t('return.device.hint')}</span>
        </span>
        <Icon name="next" />
      </button>
      <button type="button" class="way" onClick={() => setKind('words')}>
        <Icon name="key" />
        <span class="grow">
          <b>{t('return.words')}</b>
          <span class="dim block">{t('return.words.hint')}</span>
        </span>
        <Icon name="next" />
      </button>
      <button type="button" class="link" onClick={onBack}>
        {t('step.back')}
      </button>
    </div>
  );
}

/** The new side of linking: the link of a device that has the account, six digits, and what comes over. */
function WithDevice({ given, onBack }: { given: string | null; onBack(): void }) {
  const [text, setText] = useState(given ?? '');
  const [name, setName] = useState(() => deviceName(navigator.userAgent));
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const now = linking.value;
  useEffect(() => {
    linking.value = null;
    field.current?.focus();
  }, []);
  useEffect(() => {
    if (now?.stage === 'failed') setBusy(false);
    if (now?.stage === 'done') void enter().catch((e: unknown) => setProblem(words(e)));
  }, [now]);
  const submit = async (e: Event) => {
    e.preventDefault();
    const found = parseLink(text);
    if (!found || !forDevice(found)) return setProblem(t('return.link.bad'));
    if (!name.trim()) return setProblem(t('error.name-empty'));
    setBusy(true);
    setProblem('');
    linking.value = null;
    try {
      await ask('addDevice', { link: found, name: name.trim() });
    } catch (err) {
      setProblem(words(err));
      setBusy(false);
    }
  };
  if (busy && (now?.stage === 'digits' || now?.stage === 'confirmed')) {
    return (
      <div class="linking">
        <Compare question={t('return.digits')} digits={now.digits ?? ''} answered={now.stage === 'confirmed'} onAnswer={(yes) => void act('confirmDevice', { yes })} />
      </div>
    );
  }
  if (busy && now && now.stage !== 'failed') {
    return (
      <div role="status" class="linking">
        {now.stage === 'waiting' ? (
          <p>{t('return.waiting')}</p>
        ) : (
          <>
            <p>{t('return.receiving')}</p>
            <Progress label={t('return.receiving')} percent={now.stage === 'done' ? 100 : now.percent} />
          </>
        )}
      </div>
    );
  }
  const where = parseLink(text);
  const failed = now?.stage === 'failed' ? tAny(`error.${now.err ?? 'internal'}`, 'error.internal') : '';
  // A browser's code may talk only to the server that it came from.
  if (where && forDevice(where) && way() === 'wasm' && elsewhere(new URL(where).origin)) return <Elsewhere link={where} origin={new URL(where).origin} />;
  return (
    <form onSubmit={submit} noValidate>
      <p>{given ? t('return.device.given') : t('return.device.how')}</p>
      {given ? null : (
        <>
          <label for="device-link">{t('device.link.text')}</label>
          <input id="device-link" type="url" ref={field} value={text} dir="ltr" autocomplete="off" onInput={(e) => setText(e.currentTarget.value)} aria-describedby="return-problem" />
        </>
      )}
      <label for="device-name">{t('device.name')}</label>
      <input id="device-name" value={name} dir={dirFor(name)} autocomplete="off" onInput={(e) => setName(e.currentTarget.value)} aria-describedby="return-problem" />
      <Problem id="return-problem" text={problem || failed} />
      <button class="primary" disabled={busy}>
        {busy ? t('start.opening') : t('return.link')}
      </button>
      <button
        type="button"
        class="link"
        onClick={() => {
          if (given) link.value = null;
          onBack();
        }}
      >
        {t('step.back')}
      </button>
    </form>
  );
}

function WithWords({ onBack }: { onBack(): void }) {
  const [text, setText] = useState('');
  const [origin, setOrigin] = useState(way() === 'wasm' ? location.origin : '');
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.focus(), []);
  const list = text.toLowerCase().split(/[^a-z]+/).filter(Boolean);
  const submit = async (e: Event) => {
    e.preventDefault();
    if (busy) return;
    setProblem('');
    if (list.length !== 12) return setProblem(t('return.count', { n: list.length }));
    setBusy(true);
    try {
      await ask('recover', { words: list.join(' '), origin: origin.includes('://') ? origin.trim() : `https://${origin.trim()}`, name: deviceName(navigator.userAgent) });
      await enter();
    } catch (err) {
      setProblem(words(err));
      setBusy(false);
      field.current?.focus();
    }
  };
  return (
    <form onSubmit={submit} noValidate>
      <p>{t('return.words.how')}</p>
      <label for="words">{t('words')}</label>
      <textarea id="words" ref={field} rows={3} value={text} dir="ltr" lang="en" autocomplete="off" autocapitalize="none" spellcheck={false} onInput={(e) => setText(e.currentTarget.value)} aria-describedby="words-count words-problem" aria-invalid={problem !== ''} />
      <p id="words-count" class="dim">
        {t('return.count', { n: list.length })}
      </p>
      {way() === 'wasm' ? null : (
        <>
          <label for="origin">{t('return.server')}</label>
          <input id="origin" value={origin} dir="ltr" type="url" autocomplete="off" placeholder="https://…" onInput={(e) => setOrigin(e.currentTarget.value)} />
        </>
      )}
      <Problem id="words-problem" text={problem} />
      <button class="primary" disabled={busy}>
        {busy ? t('return.recovering') : t('return.recover')}
      </button>
      <button type="button" class="link" onClick={onBack}>
        {t('step.back')}
      </button>
    </form>
  );
}
