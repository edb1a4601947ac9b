// The members that an @ in the box may mean, above the box.
import { useEffect, useState } from 'preact/hooks';
import { t } from '../../lib/i18n';
import type { Named } from '../../lib/mention';
import { ask } from '../act';
import type { Chat, Member } from '../api';
import { Avatar } from '../view/avatar';

// Members shown at a time.
const shownMax = 6;

interface Props {
  chat: Chat;
  query: string;
  onPick(who: Named): void;
  /** Handles keys of the box while there is something to choose; answers whether it did. */
  keys: { current: ((e: KeyboardEvent) => boolean) | null };
  /** The id of the option that Enter takes, for the box to name. */
  onActive(id: string | undefined): void;
  onClose(): void;
}

export function Pick(p: Props) {
  const [found, setFound] = useState<readonly Member[]>([]);
  const [at, setAt] = useState(0);
  useEffect(() => {
    let late = false;
    // One more than is shown: oneself may be among them.
    ask('getMembers', { chat: p.chat.id, query: p.query, limit: shownMax + 1 }).then(
      (r) => {
        if (late) return;
        setFound((r.members ?? []).filter((m) => !m.own && m.name).slice(0, shownMax));
        setAt(0);
      },
      () => setFound([]),
    );
    return () => void (late = true);
  }, [p.chat.id, p.query]);
  const choose = (m: Member) => p.onPick({ person: m.person, name: m.name });
  p.keys.current = (e) => {
    const m = found[at];
    if (!m) return false;
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') setAt((at + (e.key === 'ArrowDown' ? 1 : found.length - 1)) % found.length);
    else if ((e.key === 'Enter' && !e.shiftKey) || e.key === 'Tab') choose(m);
    else if (e.key === 'Escape') p.onClose();
    else return false;
    e.preventDefault();
    e.stopPropagation();
    return true;
  };
  useEffect(() => p.onActive(found[at] ? `mention-${at}` : undefined), [found, at]);
  useEffect(
    () => () => {
      p.keys.current = null;
      p.onActive(undefined);
    },
    [],
  );
  if (found.length === 0) return null;
  return (
    <ul class="pick" role="listbox" id="mentions" aria-label={t('mention.choose')}>
      {found.map((m, i) => (
        <li key={m.person} id={`mention-${i}`} role="option" aria-selected={i === at} onPointerDown={(e) => (e.preventDefault(), choose(m))} onPointerEnter={() => setAt(i)}>
          <Avatar id={m.person} name={m.name} small />
          <bdi class="clip">{m.name}</bdi>
          {m.role === 'owner' || m.role === 'admin' ? <span class="tag">{t(`role.${m.role}`)}</span> : null}
        </li>
      ))}
    </ul>
  );
}
