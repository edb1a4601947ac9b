// Marks by key or by the small bar that comes with a selection. They go in as if they were typed, so undo takes them back.
import { useEffect, useState } from 'preact/hooks';
import { t } from '../../lib/i18n';
import type { Key } from '../../lib/i18n';
import { marked } from '../../lib/marks';
import { Icon, type IconName } from '../view/icons';

interface Mark {
  label: Key;
  icon: IconName;
  sign: string;
  /** With Ctrl or the command key; capital with Shift, too. */
  key: string;
}

const marks: readonly Mark[] = [
  { label: 'format.bold', icon: 'bold', sign: '*', key: 'b' },
  { label: 'format.italic', icon: 'italic', sign: '_', key: 'i' },
  { label: 'format.struck', icon: 'struck', sign: '~', key: 'X' },
  { label: 'format.code', icon: 'code', sign: '`', key: 'M' },
  { label: 'format.spoiler', icon: 'hidden', sign: '||', key: 'P' },
  { label: 'format.quote', icon: 'quote', sign: '> ', key: '>' },
];

function put(box: HTMLTextAreaElement, sign: string): void {
  const r = marked(box.value, box.selectionStart, box.selectionEnd, sign);
  box.focus();
  box.setSelectionRange(r.from, r.to);
  if (!document.execCommand('insertText', false, r.put)) {
    box.setRangeText(r.put);
    box.dispatchEvent(new InputEvent('input', { bubbles: true }));
  }
  box.setSelectionRange(r.a, r.b);
}

/** Takes a key that puts a mark. Answers whether it was one. */
export function formatKey(e: KeyboardEvent): boolean {
  if (!(e.ctrlKey || e.metaKey) || e.altKey) return false;
  const m = marks.find((x) => (e.shiftKey ? x.key : x.key.toLowerCase()) === (e.shiftKey ? e.key.toUpperCase() : e.key) && /[A-Z>]/.test(x.key) === e.shiftKey);
  if (!m) return false;
  e.preventDefault();
  put(e.currentTarget as HTMLTextAreaElement, m.sign);
  return true;
}

/** Shown while something in the box is selected. */
export function FormatBar({ box }: { box: { current: HTMLTextAreaElement | null } }) {
  const [shown, show] = useState(false);
  useEffect(() => {
    const look = () => {
      const b = box.current;
      show(b !== null && document.activeElement === b && b.selectionStart < b.selectionEnd);
    };
    document.addEventListener('selectionchange', look);
    box.current?.addEventListener('blur', look);
    return () => {
      document.removeEventListener('selectionchange', look);
      box.current?.removeEventListener('blur', look);
    };
  }, []);
  if (!shown) return null;
  return (
    <div class="format-bar" role="toolbar" aria-label={t('format')}>
      {marks.map((m) => (
        <button key={m.sign} type="button" class="quiet" tabIndex={-1} aria-label={t(m.label)} title={t(m.label)} onPointerDown={(e) => e.preventDefault()} onMouseDown={(e) => e.preventDefault()} onClick={() => put(box.current!, m.sign)}>
          <Icon name={m.icon} />
        </button>
      ))}
    </div>
  );
}
