// One's own invite: a link to copy or share, and the same as a QR code to hold up.
import { useEffect, useState } from 'preact/hooks';
import { date, t } from '../../lib/i18n';
import { ask, copy, words } from '../act';
import type { InviteLink } from '../api';
import { account, panel } from '../state';
import { Dialog } from './dialog';
import { Icon } from './icons';

export function InvitePanel() {
  const [made, setMade] = useState<InviteLink | null>(null);
  const [rows, setRows] = useState<string[]>([]);
  const [problem, setProblem] = useState('');
  const make = async () => {
    setProblem('');
    try {
      const link = await ask('invite', {});
      setMade(link);
      setRows((await ask('qr', { text: link.link })).rows);
    } catch (e) {
      setProblem(words(e));
    }
  };
  useEffect(() => void make(), []);
  const share = () => {
    void navigator.share({ title: t('app.name'), text: t('invite.message', { name: account.value?.name ?? '' }), url: made?.link ?? '' }).catch(() => undefined); // closed by the person
  };
  return (
    <Dialog title={t('invite')} onClose={() => (panel.value = null)} class="narrow">
      <p>{t('invite.hint')}</p>
      <div class="qr">{rows.length > 0 ? <QR rows={rows} /> : <div class="qr-room" aria-hidden="true" />}</div>
      {problem ? (
        <>
          <p class="problem" role="alert">
            {problem}
          </p>
          <button type="button" class="primary" onClick={() => void make()}>
            {t('retry')}
          </button>
        </>
      ) : (
        <>
          <input class="link-text" readOnly value={made?.link ?? ''} placeholder={t('invite.making')} aria-label={t('invite.link')} dir="ltr" onFocus={(e) => e.currentTarget.select()} />
          <div class="buttons">
            {'share' in navigator ? (
              <button type="button" disabled={!made} onClick={share}>
                {t('invite.share')}
              </button>
            ) : null}
            <button type="button" class="primary" disabled={!made} onClick={() => made && void copy(made.link, 'invite.copied')}>
              <Icon name="copy" />
              {t('invite.copy')}
            </button>
          </div>
          <p class="dim">{made ? t('invite.until', { n: made.uses, date: date(made.until) }) : '\u00a0'}</p>
        </>
      )}
    </Dialog>
  );
}

/** A QR code with its quiet zone, dark on white in every theme: readers need that. */
export function QR({ rows }: { rows: readonly string[] }) {
  const size = rows.length;
  let path = '';
  rows.forEach((row, y) => {
    for (const run of row.matchAll(/1+/g)) path += `M${run.index} ${y}h${run[0].length}v1h-${run[0].length}z`;
  });
  return (
    <svg viewBox={`0 0 ${size} ${size}`} role="img" aria-label={t('invite.qr')} shape-rendering="crispEdges">
      <path class="qr-white" d={`M0 0h${size}v${size}H0z`} />
      <path class="qr-black" d={path} />
    </svg>
  );
}
