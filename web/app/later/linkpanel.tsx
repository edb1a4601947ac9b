// One has an account: a link leads to one more conversation, or belongs on a new device.
import { useEffect, useState } from 'preact/hooks';
import { t } from '../../lib/i18n';
import { ask, open, way, words } from '../act';
import type { LinkInfo } from '../api';
import { account, linking } from '../state';
import { Dialog } from '../view/dialog';
import { clearLink, elsewhere, forDevice, link } from '../view/link';
import { Elsewhere } from '../view/welcome';
import { Problem } from './parts';

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
  const device = forDevice(given) || info?.device;
  const own = device && linking.value !== null && linking.value.stage !== 'failed'; // it has just made this the device
  useEffect(() => {
    if (own) clearLink();
  }, [own]);
  if (own) return null;
  if (device) {
    return (
      <Dialog title={t('device.link')} onClose={clearLink} class="narrow">
        <p>{t('device.link.here')}</p>
        <div class="buttons">
          <button type="button" class="primary" onClick={clearLink}>
            {t('close')}
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={info?.group ? t('group') : t('link.title')} onClose={clearLink} class="narrow">
      {problem ? (
        <Problem text={problem} />
      ) : other ? (
        <Elsewhere link={given} origin={info.origin} />
      ) : (
        <>
          <p>{info?.group ? t('link.group') : t('link.join')}</p>
          <div class="buttons">
            <button type="button" onClick={clearLink}>
              {t('cancel')}
            </button>
            <button type="button" class="primary" disabled={busy || !info} onClick={() => void join()}>
              {info?.group ? t('link.group.join') : t('link.open')}
            </button>
          </div>
        </>
      )}
    </Dialog>
  );
}
