// What the server holds about a person, in plain words: the tables of spec/threat.md, seen from inside the app. Who changes
// what a server keeps changes these words, too.
import { t } from '../../lib/i18n';
import { way } from '../act';
import { account, chats, servers } from '../state';
import { host } from './parts';

export function HeldPage() {
  const home = account.value?.origin ?? '';
  // Saved messages and what keeps the account lie there like a chat, but are none.
  const on = (origin: string) => chats.value.filter((c) => c.kind !== 'saved' && (c.origin ?? home) === origin).length;
  const others = [...new Set([...servers.value.filter((s) => !s.home).map((s) => s.origin), ...chats.value.flatMap((c) => c.origin ?? [])])].filter((o) => o !== home).sort();
  // Nothing to press in it: it takes the focus itself, so that keys scroll it.
  return (
    <div class="held" tabIndex={0} role="document" aria-label={t('held.title')}>
      <p>{t('held.intro', { server: host(home) })}</p>
      <h3>{t('held.does')}</h3>
      <ul class="points">
        <li>{t('held.member')}</li>
        <li>{t('held.chats', { n: on(home) })}</li>
        <li>{t('held.logs')}</li>
        <li>{t('held.inbox')}</li>
        <li>{t('held.files')}</li>
      </ul>
      <h3>{t('held.not')}</h3>
      <ul class="points">
        <li>{t('held.not.name')}</li>
        <li>{t('held.not.text')}</li>
        <li>{t('held.not.who')}</li>
        <li>{t('held.not.hour')}</li>
        <li>{t('held.not.address')}</li>
      </ul>
      <h3>{t('held.sees')}</h3>
      <p>{t('held.sees.now')}</p>
      <p>{t('held.sees.bad')}</p>
      {way() === 'wasm' ? <p>{t('about.web')}</p> : null}
      {others.length > 0 ? (
        <>
          <h3>{t('held.others')}</h3>
          <p>{t('held.others.text')}</p>
          <ul class="points">
            {others.map((o) => (
              <li key={o}>{t('held.other', { server: host(o), n: on(o) })}</li>
            ))}
          </ul>
        </>
      ) : null}
      <p class="dim">{t('held.more')}</p>
    </div>
  );
}
