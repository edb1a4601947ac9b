// The person's choices, and what the app says about itself: a window with pages.
import { useEffect, useState } from 'preact/hooks';
import { type Key, t } from '../../lib/i18n';
import { dirFor } from '../../lib/lang';
import { act, ask, way, words as saying } from '../act';
import { account, panel, settings, type SettingsPage, theme, type Theme, toast, words } from '../state';
import { Dialog } from '../view/dialog';
import { LangSelect } from '../view/langselect';
import { AccountsPage } from './accounts';
import { DevicesPage, LinkPage } from './devices';
import { HeldPage } from './held';
import { InstallEntry, NotifyPage } from './notifypage';
import { closePanel, Entry, host, Problem, Switch } from './parts';
import { StoragePage } from './storage';
import { WordsPage } from './words';

const themes: readonly Theme[] = ['system', 'light', 'dark'];
const titles: Record<SettingsPage, Key> = { devices: 'devices', link: 'device.link', words: 'words', accounts: 'accounts', storage: 'storage.title', notify: 'tell', held: 'held.title' };

export function SettingsPanel({ page }: { page: SettingsPage | undefined }) {
  const go = (to?: SettingsPage) => (panel.value = to ? { kind: 'settings', page: to } : { kind: 'settings' });
  return (
    <Dialog title={page ? t(titles[page]) : t('settings')} class="tall" page={page} onBack={page ? () => go(page === 'link' ? 'devices' : undefined) : undefined} onClose={closePanel}>
      {page === 'devices' ? <DevicesPage go={go} /> : page === 'link' ? <LinkPage onDone={() => go('devices')} /> : page === 'words' ? <WordsPage onDone={() => go()} /> : page === 'storage' ? <StoragePage /> : page === 'accounts' ? <AccountsPage /> : page === 'notify' ? <NotifyPage /> : page === 'held' ? <HeldPage /> : <Main go={go} />}
    </Dialog>
  );
}

function Main({ go }: { go(page: SettingsPage): void }) {
  return (
    <>
      <NameField />
      <div class="entries">
        <Entry icon="device" label={t('devices')} onClick={() => go('devices')} />
        <Entry icon="key" label={t('words')} value={words.value === 'kept' ? t('words.kept') : ''} onClick={() => go('words')} />
        <Entry icon="person" label={t('accounts')} onClick={() => go('accounts')} />
        <Entry icon="box" label={t('storage.title')} onClick={() => go('storage')} />
        <Entry icon="sound" label={t('tell')} onClick={() => go('notify')} />
        <Entry icon="server" label={t('held.title')} onClick={() => go('held')} />
        <InstallEntry />
      </div>
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
    </>
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
      setProblem(saying(err));
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
      <Problem id="own-name-problem" text={problem} />
    </form>
  );
}

function About() {
  const [about, setAbout] = useState<{ version: string; storage: string } | null>(null);
  useEffect(() => {
    ask('about', {}).then(setAbout, () => undefined); // only a line less
  }, []);
  return (
    <section class="about">
      <h3>{t('about')}</h3>
      <p>{t('about.server', { server: host(account.value?.origin ?? '') })}</p>
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
  ['Ctrl B', 'format.bold'],
  ['Ctrl I', 'format.italic'],
  ['Ctrl Shift X', 'format.struck'],
  ['Ctrl Shift M', 'format.code'],
  ['Ctrl Shift P', 'format.spoiler'],
  ['@', 'keys.mention'],
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
