// Invite links that the page was opened with, and opening one when there is an account already.
import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { t } from '../../lib/i18n';
import { ask, open, way, words } from '../act';
import type { LinkInfo } from '../api';
import { account } from '../state';
import { Dialog } from './dialog';
import { Elsewhere } from './welcome';

/** An invite link is an address whose path is /i and whose secret follows the #. */
export function parseLink(text: string): string | null {
  const s = text.trim();
  return /^https?:\/\/[^\s#]+\/i#\S+$/.test(s) ? s : null;
}

/** A person's link is longer than a server's own by the fingerprint of the account. The core has the last word. */
export const looksPersonal = (given: string) => given.length - given.indexOf('#') > 128;

/** Whether a server's origin is not the page's. */
export const elsewhere = (origin: string) => origin.replace(/\/$/, '') !== location.origin;

/** The invite link to open, from the address bar or pasted. */
export const link = signal<string | null>(parseLink(location.href));
addEventListener('hashchange', () => {
  const found = parseLink(location.href);
  if (found) link.value = found;
});

/** The link is done with: it leaves the address bar, so that nobody reads it there. */
export function clearLink(): void {
  link.value = null;
  if (location.pathname === '/i' || location.hash) history.replaceState(history.state, '', '/');
}

/** One has an account: a link leads to one more conversation. */
export function LinkPanel() {
  const given = link.value ?? '';
  const [info, setInfo] = useState<LinkInfo | null>(null);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    ask('checkLink', { link: given }).then(setInfo, (e: unknown) => setProblem(words(e)));
  }, [given]);
  const other = info && way() === 'wasm' && elsewhere(info.origin);
  const join = async () => {
    setBusy(true);
    setProblem('');
    try {
      const joined = await ask('join', { link: given, name: account.value?.name ?? '' });
      clearLink();
      if (joined.chat) await open(joined.chat);
    } catch (e) {
      setProblem(words(e));
      setBusy(false);
    }
  };
  return (
    <Dialog title={t('link.title')} onClose={clearLink} class="narrow">
      {problem ? (
        <p class="problem" role="alert">
          {problem}
        </p>
      ) : other ? (
        <Elsewhere link={given} origin={info.origin} />
      ) : (
        <>
          <p>{t('link.join')}</p>
          <div class="buttons">
            <button type="button" onClick={clearLink}>
              {t('cancel')}
            </button>
            <button type="button" class="primary" disabled={busy || !info} onClick={() => void join()}>
              {t('link.open')}
            </button>
          </div>
        </>
      )}
    </Dialog>
  );
}
