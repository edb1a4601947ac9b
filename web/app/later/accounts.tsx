// The accounts on this device: go to another, add one, take one away.
import { useEffect, useState } from 'preact/hooks';
import { number, t } from '../../lib/i18n';
import { accounts, act, fail, way } from '../act';
import { keepDrafts } from '../compose';
import { account, volatile, words } from '../state';
import type { Entry } from '../../lib/core';
import { Avatar } from '../view/avatar';
import { Confirm } from '../view/dialog';
import { Icon } from '../view/icons';
import { host } from './parts';

export function AccountsPage() {
  const [all, setAll] = useState<readonly Entry[]>([]);
  const [leaving, setLeaving] = useState<Entry | null>(null);
  useEffect(() => void accounts().list(account.value).then(setAll, fail), []);
  const go = (f: () => Promise<void>) => {
    keepDrafts();
    f().catch(fail);
  };
  const remove = async (e: Entry) => {
    // The others learn it, if they can be told; what is here goes in any case.
    if (e.current) {
      const devices = (await act('getDevices', {}))?.devices ?? [];
      const here = devices.find((d) => d.this);
      if (here && devices.length > 1) await act('removeDevice', { device: here.id });
    }
    await accounts().remove(e.id);
    setAll(await accounts().list(account.value));
  };
  const only = all.length < 2;
  const local = way() === 'local';
  return (
    <>
      <p class="dim">{t('accounts.hint')}</p>
      <ul class="people">
        {all.map((a) => (
          <li key={a.id} class="with-side">
            <button type="button" class="person" aria-current={a.current ? 'true' : undefined} disabled={a.current} onClick={() => go(() => accounts().use(a.id))}>
              <Avatar id={a.person ?? a.id} name={a.name || '?'} small />
              <span class="grow">
                <bdi>{a.name || t('accounts.new')}</bdi>
                <span class="dim block">
                  {a.current ? `${t('accounts.current')} · ` : ''}
                  <bdi dir="ltr">{host(a.origin ?? '')}</bdi>
                </span>
              </span>
              {a.unread && !a.current ? (
                <span class="count">
                  <span aria-hidden="true">{number(a.unread)}</span>
                  <span class="sr">{t('unread', { n: a.unread })}</span>
                </span>
              ) : null}
              {a.current ? <Icon name="check" /> : null}
            </button>
            {local ? null : (
              <button type="button" class="quiet" aria-label={t('accounts.remove.who', { name: a.name })} title={t('accounts.remove')} onClick={() => setLeaving(a)}>
                <Icon name="trash" />
              </button>
            )}
          </li>
        ))}
      </ul>
      {local ? (
        <p class="dim note">{t('accounts.local')}</p>
      ) : (
        <div class="buttons start">
          <button type="button" class="primary" disabled={volatile.value} onClick={() => go(() => accounts().add(account.value))}>
            <Icon name="invite" />
            {t('accounts.add')}
          </button>
        </div>
      )}
      {leaving ? (
        <Confirm
          title={t('accounts.remove')}
          text={`${t('accounts.remove.text', { name: leaving.name })} ${leaving.current && ['kept', 'renew'].includes(words.value) ? t('accounts.remove.words') : t('accounts.remove.lost')}`}
          yes={t('accounts.remove')}
          danger
          onClose={() => setLeaving(null)}
          onYes={() => void remove(leaving).catch(fail)}
        />
      ) : null}
      {only && !local ? <p class="dim note">{t('accounts.apart')}</p> : null}
    </>
  );
}
