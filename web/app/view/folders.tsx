// The row of folders above the chats: tabs, there only when there are folders. The arrow keys follow the eye, in Persian too.
import { t } from '../../lib/i18n';
import { folder, folders, inFolder } from '../state';

export function FolderTabs() {
  const names = ['', ...folders.value.map((f) => f.name)];
  const now = inFolder.value?.name ?? '';
  const key = (e: KeyboardEvent) => {
    const row = e.currentTarget as HTMLElement;
    const i = names.indexOf(now);
    const on = getComputedStyle(row).direction === 'rtl' ? -1 : 1;
    const to = { ArrowRight: i + on, ArrowLeft: i - on, Home: 0, End: -1 }[e.key];
    if (to === undefined) return;
    e.preventDefault();
    const n = (to + names.length) % names.length;
    folder.value = names[n]!;
    (row.children[n] as HTMLElement).focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={t('folders')} onKeyDown={key}>
      {names.map((name) => (
        <button key={name} type="button" role="tab" aria-selected={name === now} aria-controls="chats" tabIndex={name === now ? 0 : -1} onClick={() => (folder.value = name)}>
          <bdi>{name || t('folders.all')}</bdi>
        </button>
      ))}
    </div>
  );
}
