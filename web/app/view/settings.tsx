// The person's choices, and what the app says about itself.
import { useEffect, useState } from 'preact/hooks';
import { type Key, lang, setLang, t } from '../../lib/i18n';
import { dirFor, isLang, langs } from '../../lib/lang';
import { act, ask, way, words } from '../act';
import { account, panel, settings, theme, type Theme, toast } from '../state';
import { Dialog } from './dialog';

const closePanel = () => (panel.value = null);

// Each language by its own name: whoever cannot read the page finds the way out.
const names = { en: 'English', ru: 'Русский', fa: 'فارسی' } as const;

export function LangSelect() {
  return (
    <label class="select">
      <span class="sr">{t('lang')}</span>
      <select value={lang.value} onChange={(e) => isLang(e.currentTarget.value) && setLang(e.currentTarget.value)}>
        {langs.map((l) => (
          <option key={l} value={l} lang={l}>
            {names[l]}
          </option>
        ))}
      </select>
    </label>
  );
}

const themes: readonly Theme[] = ['system', 'light', 'dark'];

export function SettingsPanel() {
  return (
    <Dialog title={t('settings')} onClose={closePanel}>
      <NameField />
      <section>
        <h3>{t('look')}</h3>
        <div class="line">
          <span class="grow" aria-hidden="true">
            {t('lang')}
          </span>
          <LangSelect />
        </div>
        <fieldset class="line">
          <legend class="sr">{t('theme')}</legend>
          <span class="grow" aria-hidden="true">
            {t('theme')}
          </span>
          <span class="segments">
            {themes.map((x) => (
              <label key={x}>
                <input type="radio" name="theme" checked={theme.value === x} onChange={() => (theme.value = x)} />
                <span>{t(`theme.${x}` as Key)}</span>
              </label>
            ))}
          </span>
        </fieldset>
      </section>
      <section>
        <h3>{t('privacy')}</h3>
        <Switch label={t('privacy.read')} hint={t('privacy.read.hint')} on={settings.value.readReceipts} onChange={(readReceipts) => void act('setSettings', { readReceipts })} />
        <Switch label={t('privacy.typing')} hint={t('privacy.typing.hint')} on={settings.value.typingShown} onChange={(typingShown) => void act('setSettings', { typingShown })} />
      </section>
      <About />
    </Dialog>
  );
}

function NameField() {
  const [name, setName] = useState(account.value?.name ?? '');
  const [problem, setProblem] = useState('');
  const submit = async (e: Event) => {
    e.preventDefault();
    try {
      await ask('setName', { name: name.trim() });
      setProblem('');
      toast.value = { text: t('name.saved') };
    } catch (err) {
      setProblem(words(err));
    }
  };
  const changed = name.trim() !== account.value?.name;
  return (
    <form onSubmit={submit} noValidate>
      <label for="own-name">{t('name.label')}</label>
      <div class="line">
        <input id="own-name" class="grow" value={name} dir={dirFor(name)} autocomplete="nickname" onInput={(e) => setName(e.currentTarget.value)} aria-describedby="own-name-problem" />
        <button class={changed ? 'primary' : ''} disabled={!changed}>
          {t('save.changes')}
        </button>
      </div>
      <p id="own-name-problem" class="problem" role="alert">
        {problem}
      </p>
    </form>
  );
}

function Switch(p: { label: string; hint: string; on: boolean; onChange(on: boolean): void }) {
  return (
    <label class="line switch">
      <span class="grow">
        {p.label}
        <span class="dim">{p.hint}</span>
      </span>
      <input type="checkbox" role="switch" checked={p.on} onChange={(e) => p.onChange(e.currentTarget.checked)} />
    </label>
  );
}

function About() {
  const [about, setAbout] = useState<{ version: string; storage: string } | null>(null);
  useEffect(() => {
    ask('about', {}).then(setAbout, () => undefined); // only a line less
  }, []);
  const server = account.value?.origin.replace(/^https?:\/\//, '') ?? '';
  return (
    <section class="about">
      <h3>{t('about')}</h3>
      <p>{t('about.server', { server })}</p>
      <p>{way() === 'wasm' ? t('about.web') : t('about.local')}</p>
      {about ? <p>{about.storage === 'disk' ? t('about.disk') : t('banner.volatile')}</p> : null}
      <p class="dim">{t('about.version', { version: about?.version ?? '…' })}</p>
      <button type="button" class="link" onClick={() => (panel.value = { kind: 'keys' })}>
        {t('keys')}
      </button>
    </section>
  );
}

const shortcuts: readonly (readonly [string, Key])[] = [
  ['Ctrl K', 'keys.search'],
  ['Alt ↑ ↓', 'keys.beside'],
  ['Enter', 'keys.send'],
  ['Shift Enter', 'keys.line'],
  ['↑', 'keys.edit'],
  ['Esc', 'keys.back'],
  ['?', 'keys'],
];

export function KeysPanel() {
  return (
    <Dialog title={t('keys')} onClose={closePanel} class="narrow">
      <dl class="keys">
        {shortcuts.map(([k, what]) => (
          <div key={k}>
            <dt>
              <kbd dir="ltr">{k}</kbd>
            </dt>
            <dd>{t(what)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
