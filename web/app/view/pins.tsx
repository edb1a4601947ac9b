// The line below a chat's head: what is pinned, one at a time, newest first. A press leads to it and shows the next.
import { useEffect, useState } from 'preact/hooks';
import { t } from '../../lib/i18n';
import { act, ask, summary } from '../act';
import type { Chat, Message } from '../api';
import { mayChange } from '../roles';
import { thread } from '../thread';
import { Confirm } from './dialog';
import { Icon } from './icons';

export function Pins({ chat, onJump }: { chat: Chat; onJump(id: string): void }) {
  const pins = chat.pins ?? [];
  const [at, setAt] = useState(0);
  const [asking, setAsking] = useState(''); // whether to take this one off
  const [asked, setAsked] = useState<ReadonlyMap<string, Message>>(new Map());
  const [away, setAway] = useState<ReadonlySet<string>>(new Set());
  const id = pins[at] ?? pins[0];
  useEffect(() => setAt(0), [pins[0]]);
  const held = id === undefined ? undefined : (thread(chat.id).messages.value.find((m) => m.id === id) ?? asked.get(id));
  useEffect(() => {
    if (id === undefined || held) return;
    let late = false;
    ask('message', { chat: chat.id, message: id }).then(
      (m) => late || setAsked((all) => new Map(all).set(id, m)),
      () => late || setAway((all) => new Set(all).add(id)), // not here, as a group gives newcomers nothing of before
    );
    return () => void (late = true);
  }, [id, held === undefined]);
  if (id === undefined) return null;
  return (
    <div class="pins">
      <button
        type="button"
        class="pin-line"
        title={t('quote.jump')}
        onClick={() => {
          if (!away.has(id)) onJump(id);
          setAt((at + 1) % pins.length);
        }}
      >
        <span class="pin-marks" aria-hidden="true">
          {pins.map((p, i) => (
            <i key={p} class={i === at ? 'on' : ''} />
          ))}
        </span>
        <span class="pin-words">
          <span class="author">{pins.length > 1 ? t('pinned.of', { i: at + 1, n: pins.length }) : t('pinned')}</span>
          <span class="quote-text" dir="auto">
            {held ? summary(held) : away.has(id) ? t('pinned.away') : '\u00a0'}
          </span>
        </span>
      </button>
      {mayChange(chat) ? (
        <button type="button" class="quiet" aria-label={t('unpin')} title={t('unpin')} onClick={() => setAsking(id)}>
          <Icon name="close" />
        </button>
      ) : null}
      {asking ? <Confirm title={t('unpin')} text={t('unpin.text')} yes={t('unpin')} onClose={() => setAsking('')} onYes={() => void act('pin', { chat: chat.id, message: asking, on: false })} /> : null}
    </div>
  );
}
