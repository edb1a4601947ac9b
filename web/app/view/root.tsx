// The whole page: which screen, the windows over it, and the keys that work everywhere.
import { useSignalEffect } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { t } from '../../lib/i18n';
import { saved } from '../../lib/saved';
import { beside, close } from '../act';
import { chat, current, lightbox, panel, phase, spoken, toast } from '../state';
import { Banners } from './banner';
import { ChatView } from './chat';
import { Empty } from './empty';
import { Later } from './later';
import { link } from './link';
import { Sidebar } from './sidebar';
import { Ended, Starting, Welcome } from './welcome';

function keys(e: KeyboardEvent): void {
  if (phase.value !== 'ready' || e.isComposing) return;
  const field = e.target instanceof HTMLElement && e.target.matches('input, textarea, select');
  const over = document.querySelector('dialog[open], [popover=auto]:popover-open') !== null;
  if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'k') {
    e.preventDefault();
    if (!over) document.querySelector<HTMLElement>('#search')?.focus();
  } else if (over) return;
  else if (e.altKey && (e.key === 'ArrowDown' || e.key === 'ArrowUp')) {
    e.preventDefault();
    beside(e.key === 'ArrowDown' ? 1 : -1);
  } else if (e.key === 'Escape' && !field && current.value !== null) close();
  else if (e.key === '?' && !field) panel.value = { kind: 'keys' };
}

function Panels() {
  if (phase.value !== 'ready') return null;
  const p = panel.value;
  return p || link.value ? <Later show={(x) => <x.Window panel={p} />} /> : null;
}

const toastFor = 6000;

function Toasts() {
  useSignalEffect(() => {
    const now = toast.value;
    if (!now) return;
    const timer = setTimeout(() => (toast.value = null), toastFor);
    return () => clearTimeout(timer);
  });
  const ref = useRef<HTMLDivElement>(null);
  const now = toast.value;
  // In the browser's top layer, above an open dialog.
  useLayoutEffect(() => {
    ref.current?.hidePopover();
    if (now) ref.current?.showPopover();
  }, [now]);
  return (
    <div ref={ref} class="toasts" role="status" popover="manual">
      {now ? (
        <div class="toast">
          <span>{now.text}</span>
          {now.action ? (
            <button type="button" class="quiet" onClick={now.action.run}>
              {now.action.label}
            </button>
          ) : null}
        </div>
      ) : null}
    </div>
  );
}

export function Root() {
  useEffect(() => {
    addEventListener('keydown', keys);
    return () => removeEventListener('keydown', keys);
  }, []);
  return (
    <>
      <Screen />
      <Panels />
      {lightbox.value ? <Later show={(x) => <x.Viewer />} /> : null}
      <Toasts />
      <div class="sr" aria-live="polite">
        {spoken}
      </div>
    </>
  );
}

function Screen() {
  switch (phase.value) {
    case 'starting':
      // Who has never been here and holds an invite can choose a name while the core still loads.
      return link.value && saved('member') === null ? <Welcome /> : <Starting />;
    case 'ended':
      return <Ended />;
    case 'welcome':
      return <Welcome />;
  }
  const c = chat.value;
  return (
    <main class={c ? 'app in-chat' : 'app'}>
      <Banners />
      <Sidebar />
      <section class="pane" aria-label={c ? t('pane.chat') : t('pane.none')}>
        {c ? <ChatView key={c.id} chat={c} /> : <Empty />}
      </section>
    </main>
  );
}
