// The emoji picker: kinds of our own small list, and what was used last.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { emojiKinds, type EmojiKind, kinds } from '../../lib/emoji';
import { type Key, t } from '../../lib/i18n';
import { recent, used } from '../../lib/quick';
import { type Place, place } from '../view/menu';

const signs: Record<EmojiKind | 'recent', string> = { recent: '🕘', smileys: '😀', people: '👋', nature: '🌿', food: '🍎', places: '✈️', things: '💡', signs: '❤️' };

export function EmojiPicker(p: { at: Place; onPick(emoji: string): void; onClose(): void }) {
  const ref = useRef<HTMLDivElement>(null);
  const last = useRef(recent());
  const [kind, setKind] = useState<EmojiKind | 'recent'>(last.current.length > 0 ? 'recent' : 'smileys');
  const onClose = useRef(p.onClose);
  onClose.current = p.onClose;
  useLayoutEffect(() => {
    const e = ref.current!;
    const toggled = (ev: Event) => {
      if ((ev as ToggleEvent).newState === 'closed') onClose.current();
    };
    e.addEventListener('toggle', toggled);
    e.showPopover();
    place(e, p.at);
    e.querySelector<HTMLElement>('.emoji-grid button')?.focus();
    return () => e.removeEventListener('toggle', toggled);
  }, []);
  const all: readonly (EmojiKind | 'recent')[] = last.current.length > 0 ? ['recent', ...emojiKinds] : emojiKinds;
  const shown: readonly string[] = kind === 'recent' ? last.current : kinds[kind];
  const move = (e: KeyboardEvent) => {
    const grid = e.currentTarget as HTMLElement;
    const items = [...grid.querySelectorAll<HTMLElement>('button')];
    const i = items.indexOf(document.activeElement as HTMLElement);
    if (i < 0) return;
    const columns = items.filter((b) => b.offsetTop === items[0]!.offsetTop).length;
    const ahead = document.documentElement.dir === 'rtl' ? -1 : 1;
    const step = { ArrowRight: ahead, ArrowLeft: -ahead, ArrowDown: columns, ArrowUp: -columns }[e.key];
    if (step === undefined) return;
    e.preventDefault();
    items[Math.max(0, Math.min(items.length - 1, i + step))]?.focus();
  };
  return (
    <div ref={ref} class="menu emoji" popover="auto" role="dialog" aria-label={t('emoji')}>
      <div class="emoji-kinds" role="group" aria-label={t('emoji.kinds')}>
        {all.map((k) => (
          <button key={k} type="button" aria-pressed={k === kind} aria-label={t(`emoji.${k}` as Key)} title={t(`emoji.${k}` as Key)} onClick={() => setKind(k)}>
            {signs[k]}
          </button>
        ))}
      </div>
      <div class="emoji-grid" role="group" aria-label={t(`emoji.${kind}` as Key)} onKeyDown={move}>
        {shown.map((e, i) => (
          <button
            key={e}
            type="button"
            tabIndex={i === 0 ? 0 : -1}
            onClick={() => {
              used(e);
              p.onPick(e);
            }}
          >
            {e}
          </button>
        ))}
      </div>
    </div>
  );
}
