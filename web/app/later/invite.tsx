// One's own invite: a link to copy or share, and the same as a QR code to hold up.
import { useEffect, useState } from 'preact/hooks';
import { date, t } from '../../lib/i18n';
import { ask, copy, words } from '../act';
import type { InviteLink } from '../api';
import { account } from '../state';
import { Dialog } from '../view/dialog';
import { Icon } from '../view/icons';
import { closePanel, Problem, QR } from './parts';

export function InvitePanel() {
  const [made, setMade] = useState<InviteLink | null>(null);
  const [problem, setProblem] = useState('');
  const make = async () => {
    setProblem('');
    try {
      setMade(await ask('invite', {}));
    } catch (e) {
      setProblem(words(e));
    }
  };
  useEffect(() => void make(), []);
  return (
    <Dialog title={t('invite')} onClose={closePanel} class="narrow">
      <p>{t('invite.hint')}</p>
      <QR text={made?.link ?? null} label={t('invite.qr')} />
      {problem ? (
        <>
          <Problem text={problem} />
          <button type="button" class="primary" onClick={() => void make()}>
            {t('retry')}
          </button>
        </>
      ) : (
        <>
          <LinkText link={made?.link ?? ''} label={t('invite.link')} share={t('invite.message', { name: account.value?.name ?? '' })} />
          <p class="dim">{made ? t('invite.until', { n: made.uses, date: date(made.until) }) : '\u00a0'}</p>
        </>
      )}
    </Dialog>
  );
}

/** A link to copy or to hand to another app. */
export function LinkText(p: { link: string; label: string; share?: string }) {
  const share = () => {
    void navigator.share({ title: t('app.name'), text: p.share ?? '', url: p.link }).catch(() => undefined); // closed by the person
  };
  return (
    <>
      <input class="link-text" readOnly value={p.link} placeholder={t('invite.making')} aria-label={p.label} dir="ltr" onFocus={(e) => e.currentTarget.select()} />
      <div class="buttons">
        {'share' in navigator && p.share ? (
          <button type="button" disabled={!p.link} onClick={share}>
            {t('invite.share')}
          </button>
        ) : null}
        <button type="button" class="primary" disabled={!p.link} onClick={() => void copy(p.link, 'invite.copied')}>
          <Icon name="copy" />
          {t('invite.copy')}
        </button>
      </div>
    </>
  );
}
