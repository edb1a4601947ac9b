// Lines above everything: what the person must know, in the order of importance.
import { t } from '../../lib/i18n';
import { coreLost, notice, online, panel, update, volatile } from '../state';
import { updateNow } from '../start';
import { Icon } from './icons';

export function Banners() {
  const kind = notice.value;
  return (
    <div class="banners">
      {kind === 'server-key' ? (
        <p class="banner danger" role="alert">
          <Icon name="alert" />
          <span>{t('banner.server-key')}</span>
        </p>
      ) : null}
      {kind === 'disk-full' ? (
        <p class="banner danger" role="alert">
          <Icon name="alert" />
          <span>{t('error.disk-full')}</span>
        </p>
      ) : null}
      {kind === 'signed-out' || kind === 'replaced' ? (
        <p class="banner danger" role="alert">
          <Icon name="alert" />
          <span>{kind === 'replaced' ? t('banner.replaced') : t('banner.signed-out')}</span>
          <button type="button" class="quiet" onClick={() => (panel.value = { kind: 'settings', page: 'accounts' })}>
            {t('accounts')}
          </button>
        </p>
      ) : null}
      {kind === 'clock' ? (
        <p class="banner" role="status">
          <Icon name="clock" />
          <span>{t('banner.clock')}</span>
        </p>
      ) : null}
      {coreLost.value ? (
        <p class="banner" role="status">
          <Icon name="cloud" />
          <span>{t('banner.core')}</span>
        </p>
      ) : !online.value && kind !== 'server-key' ? (
        <p class="banner" role="status" data-offline>
          <Icon name="cloud" />
          <span>{t('banner.offline')}</span>
        </p>
      ) : null}
      {volatile.value ? (
        <p class="banner" role="status">
          <Icon name="alert" />
          <span>{t('banner.volatile')}</span>
        </p>
      ) : null}
      {update.value ? (
        <p class="banner" role="status">
          <span>{t('banner.update')}</span>
          <button type="button" class="quiet" onClick={() => void updateNow()}>
            {t('banner.update.now')}
          </button>
        </p>
      ) : null}
    </div>
  );
}
