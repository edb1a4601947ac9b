// Several messages chosen at once: handed on, copied, or deleted for oneself.
import { useEffect, useState } from 'preact/hooks';
import { t } from '../../lib/i18n';
import { act, copy } from '../act';
import { type Chat, forwardMax, hideMax } from '../api';
import { chosen, panel, toast } from '../state';
import { thread } from '../thread';
import { Confirm } from '../view/dialog';
import { Icon } from '../view/icons';

/** In place of the box to write in, while messages are being chosen. */
export function SelectBar({ chat }: { chat: Chat }) {
  const [asking, ask] = useState(false);
  const ids = chosen.value ?? [];
  const stop = () => (chosen.value = null);
  useEffect(() => {
    const key = (e: KeyboardEvent) => {
      if (e.key !== 'Escape' || document.querySelector('dialog[open], [popover=auto]:popover-open')) return;
      e.preventDefault();
      e.stopPropagation();
      stop();
    };
    addEventListener('keydown', key, true);
    return () => {
      removeEventListener('keydown', key, true);
      stop();
    };
  }, []);
  // In the order they stand in, whatever order they were chosen in.
  const all = thread(chat.id).messages.value.filter((m) => ids.includes(m.id));
  const onward = all.filter((m) => !m.poll && m.kind !== 'deleted' && m.state !== 'queued' && m.state !== 'failed' && m.state !== 'scheduled');
  const words = all.flatMap((m) => (m.text ? [m.text] : []));
  const forward = () => {
    if (onward.length > forwardMax) toast.value = { text: t('select.many', { n: forwardMax }) };
    else {
      panel.value = { kind: 'send-on', chat: chat.id, messages: onward.map((m) => m.id) };
      stop();
    }
  };
  return (
    <div class="select-bar" role="toolbar" aria-label={t('select.bar')}>
      <button type="button" class="quiet" aria-label={t('cancel')} title={t('cancel')} onClick={stop}>
        <Icon name="close" />
      </button>
      <span class="grow" role="status">
        {t('select.count', { n: ids.length })}
      </span>
      <button type="button" class="quiet" aria-label={t('copy')} title={t('copy')} disabled={words.length === 0} onClick={() => (void copy(words.join('\n'), 'copy.done'), stop())}>
        <Icon name="copy" />
      </button>
      <button type="button" class="quiet" aria-label={t('hide.title')} title={t('hide.title')} disabled={ids.length === 0} onClick={() => ask(true)}>
        <Icon name="hidden" />
      </button>
      <button type="button" class="quiet" aria-label={t('forward')} title={t('forward')} disabled={onward.length === 0} onClick={forward}>
        <Icon name="onward" />
      </button>
      {asking ? (
        <Confirm
          title={t('hide.title')}
          text={t('hide.text')}
          yes={t('hide.yes')}
          danger
          onClose={() => ask(false)}
          onYes={async () => {
            const list = [...ids];
            stop();
            for (let i = 0; i < list.length; i += hideMax) await act('hide', { chat: chat.id, messages: list.slice(i, i + hideMax) });
          }}
        />
      ) : null}
    </div>
  );
}
