// The wide pane while no chat is open: what to do next.
import { t } from '../../lib/i18n';
import { alone, panel } from '../state';
import { Mark } from './icons';

export function Empty() {
  return (
    <div class="empty">
      <Mark big />
      <h1>{alone.value ? t('empty.alone') : t('empty.choose')}</h1>
      <p>{alone.value ? t('empty.alone.hint') : t('empty.choose.hint')}</p>
      <button type="button" class="primary" onClick={() => (panel.value = { kind: 'invite' })}>
        {t('invite')}
      </button>
    </div>
  );
}
