// A window over the page: the browser's own <dialog> keeps the focus inside and gives it back.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../../lib/i18n';
import { Icon } from './icons';

interface Props {
  title: string;
  onClose(): void;
  children: ComponentChildren;
  class?: string;
  /** A page within the window, and what leads back to the one before. */
  page?: string | undefined;
  onBack?: (() => void) | undefined;
}

export function Dialog(p: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  const gone = useRef(false);
  useEffect(() => {
    const d = ref.current!;
    const before = document.activeElement;
    d.showModal();
    return () => {
      gone.current = true;
      d.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  // On another page the focus goes to its beginning, unless it is there already.
  const first = useRef(true);
  useEffect(() => {
    const d = ref.current!;
    if (!first.current && !d.querySelector('.sheet-body')!.contains(document.activeElement)) d.querySelector<HTMLElement>('header button')?.focus();
    first.current = false;
  }, [p.page]);
  const outside = (e: MouseEvent) => {
    if (e.target === ref.current) p.onClose();
  };
  const away = p.onBack ?? p.onClose;
  const cancel = (e: Event) => {
    if (e.target !== ref.current) return; // a file chooser that was closed
    e.preventDefault(); // the page decides: the window goes when its state does
    away();
  };
  // Browsers let a page keep a window open only once; a key that was handled asks for nothing.
  const key = (e: KeyboardEvent) => {
    if (e.key !== 'Escape' || e.isComposing) return;
    e.stopPropagation();
    if (ref.current!.querySelector('[popover=auto]:popover-open')) return; // a menu goes first, by itself
    e.preventDefault();
    away();
  };
  return (
    <dialog ref={ref} class={p.class ?? ''} aria-label={p.title} onCancel={cancel} onClose={() => gone.current || p.onClose()} onKeyDown={key} onMouseDown={outside}>
      <div class="sheet">
        <header>
          {p.onBack ? (
            <button type="button" class="quiet" aria-label={t('step.back')} onClick={p.onBack}>
              <Icon name="back" />
            </button>
          ) : null}
          <h2 class="grow">{p.title}</h2>
          <button type="button" class="quiet" aria-label={t('close')} onClick={p.onClose}>
            <Icon name="close" />
          </button>
        </header>
        <div class={p.onBack ? 'sheet-body page' : 'sheet-body'} key={p.page ?? ''}>{p.children}</div>
      </div>
    </dialog>
  );
}

/** A question with one way on and one way back. */
export function Confirm(p: { title: string; text: string; yes: string; danger?: boolean; onYes(): void; onClose(): void }) {
  return (
    <Dialog title={p.title} onClose={p.onClose} class="narrow">
      <p>{p.text}</p>
      <div class="buttons">
        <button type="button" onClick={p.onClose}>
          {t('cancel')}
        </button>
        <button
          type="button"
          class={p.danger ? 'danger' : 'primary'}
          onClick={() => {
            p.onYes();
            p.onClose();
          }}
        >
          {p.yes}
        </button>
      </div>
    </Dialog>
  );
}
