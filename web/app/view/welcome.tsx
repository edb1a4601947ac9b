// The first screen: one field, a name. An invite link brings people here; without one, it is asked for.
import { useEffect, useRef, useState } from 'preact/hooks';
import { t, tAny } from '../../lib/i18n';
import { deviceName } from '../../lib/device';
import { currentAccount } from '../../lib/account';
import { dirFor } from '../../lib/lang';
import { saved } from '../../lib/saved';
import type { Entry } from '../../lib/core';
import { accounts, ask, fail, open, way, words } from '../act';
import type { LinkInfo } from '../api';
import { ending, phase, takeState, volatile } from '../state';
import { Mark } from './icons';
import { Later } from './later';
import { clearLink, elsewhere, forDevice, link, looksGroup, looksPersonal, parseLink } from './link';
import { LangSelect } from './langselect';

// When starting takes longer than this (ms), the page says that it goes on.
const slowAfter = 4000;

export function Starting() {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), slowAfter);
    return () => clearTimeout(timer);
  }, []);
  return (
    <main class="gate">
      <Mark big />
      <h1>{t('app.name')}</h1>
      <p role="status" class="dim">
        {slow ? t('start.slow') : t('start.opening')}
      </p>
    </main>
  );
}

export function Ended() {
  return (
    <main class="gate">
      <Mark big />
      <h1>{t('start.ended')}</h1>
      <p role="alert">{ending.value === 'damaged' ? t('start.damaged') : ending.value === 'internal' ? t('start.ended.hint') : tAny(`error.${ending.value}`, 'start.ended.hint')}</p>
      <button type="button" class="primary" onClick={() => location.reload()}>
        {t('reload')}
      </button>
    </main>
  );
}

export function Welcome() {
  const given = link.value;
  const [info, setInfo] = useState<LinkInfo | null>(null);
  const [problem, setProblem] = useState('');
  useEffect(() => {
    setInfo(null);
    setProblem('');
    if (given) ask('checkLink', { link: given }).then(setInfo, (e: unknown) => setProblem(words(e)));
  }, [given]);
  const device = given !== null && (info?.device ?? forDevice(given));
  const [back, setBack] = useState(false); // one uses it already
  if (back || device) return <Back given={device ? given : null} onBack={() => setBack(false)} />;
  const person = given !== null && (info?.person ?? looksPersonal(given));
  const group = given !== null && (info?.group ?? (info === null && looksGroup(given)));
  const other = info && given && way() === 'wasm' && elsewhere(info.origin) ? given : null;
  return (
    <main class="gate">
      <Mark big />
      <h1>{person || group ? t('welcome.invited') : t('welcome')}</h1>
      {problem ? (
        <p class="problem" role="alert">
          {problem}
        </p>
      ) : null}
      {way() === 'wasm' && phase.value === 'welcome' && saved(`here${currentAccount()}`) ? (
        <p class="problem" role="alert">
          {t('welcome.lost')}
        </p>
      ) : null}
      {other ? <Elsewhere link={other} origin={info!.origin} /> : given && !problem ? <NameForm link={given} hint={t(person ? 'welcome.invited.hint' : group ? 'welcome.group.hint' : 'welcome.name.hint')} /> : <LinkForm again={problem !== ''} />}
      {volatile.value ? <p class="dim">{t('banner.volatile')}</p> : null}
      <button type="button" class="link" onClick={() => setBack(true)}>
        {t('return')}
      </button>
      <Others />
      <footer>
        <LangSelect />
      </footer>
    </main>
  );
}

function Back(p: { given: string | null; onBack(): void }) {
  return (
    <main class="gate">
      <Mark big />
      <h1>{t('return.title')}</h1>
      <Later show={(x) => <x.Returning given={p.given} onBack={p.onBack} />} />
      {volatile.value ? <p class="dim">{t('banner.volatile')}</p> : null}
      <footer>
        <LangSelect />
      </footer>
    </main>
  );
}

/** Somebody who began another account finds the way back to the ones that are here. */
function Others() {
  const [all, setAll] = useState<readonly Entry[]>([]);
  useEffect(() => void accounts().list(null).then(setAll, () => undefined), []);
  return (
    <ul class="others">
      {all
        .filter((a) => !a.current && a.name)
        .map((a) => (
          <li key={a.id}>
            <button type="button" onClick={() => void accounts().use(a.id).catch(fail)}>
              {t('accounts.back', { name: a.name })}
            </button>
          </li>
        ))}
    </ul>
  );
}

/** A browser's code may talk only to the server that it came from. */
export function Elsewhere(p: { link: string; origin: string }) {
  return (
    <>
      <p>{t('link.elsewhere', { where: p.origin })}</p>
      <a class="button primary" href={p.link} rel="noopener noreferrer">
        {t('link.go')}
      </a>
    </>
  );
}

function NameForm(p: { link: string; hint: string }) {
  const [name, setName] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const submit = async (e: Event) => {
    e.preventDefault();
    if (busy) return;
    setBusy(true);
    setProblem('');
    try {
      const joined = await ask('join', { link: p.link, name: name.trim(), device: deviceName(navigator.userAgent) });
      clearLink();
      takeState(await ask('getState', {}));
      if (joined.chat) await open(joined.chat);
    } catch (err) {
      setProblem(words(err));
      setBusy(false);
      field.current?.focus();
    }
  };
  return (
    <form onSubmit={submit} noValidate>
      <p>{p.hint}</p>
      <label for="name">{t('name.label')}</label>
      <input id="name" ref={field} value={name} onInput={(e) => setName(e.currentTarget.value)} autocomplete="nickname" dir={dirFor(name)} enterkeyhint="go" aria-describedby="name-hint name-problem" aria-invalid={problem !== ''} />
      <p id="name-hint" class="dim">
        {t('name.hint')}
      </p>
      <p id="name-problem" class="problem" role="alert">
        {problem}
      </p>
      <button class="primary" disabled={busy}>
        {busy ? t('start.opening') : t('welcome.go')}
      </button>
    </form>
  );
}

function LinkForm(p: { again: boolean }) {
  const [text, setText] = useState('');
  const [bad, setBad] = useState(false);
  const submit = (e: Event) => {
    e.preventDefault();
    const found = parseLink(text);
    setBad(!found);
    if (found) link.value = found;
  };
  return (
    <form onSubmit={submit} noValidate>
      <p>{p.again ? t('link.again') : t('welcome.hint')}</p>
      <label for="link">{t('link.label')}</label>
      <input id="link" type="url" value={text} onInput={(e) => setText(e.currentTarget.value)} dir="ltr" autocomplete="off" aria-invalid={bad} aria-describedby="link-problem" />
      <p id="link-problem" class="problem" role="alert">
        {bad ? t('error.bad-link') : ''}
      </p>
      <button class="primary">{t('welcome.next')}</button>
    </form>
  );
}
