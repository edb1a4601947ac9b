// The page of a chat's window that says which folders it is in.
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../../lib/i18n';
import { dirFor } from '../../lib/lang';
import { act } from '../act';
import type { Chat, Folder } from '../api';
import { folder, folders } from '../state';
import { Icon } from '../view/icons';
import { Note, Switch } from './parts';

export function FolderPage({ chat }: { chat: Chat }) {
  const [name, setName] = useState('');
  // A folder whose last chat was taken out is gone, but stays on this page: one may have slipped.
  const [known] = useState(() => new Map<string, Folder>());
  for (const f of known.values()) known.set(f.name, { ...f, chats: [] });
  for (const f of folders.value) known.set(f.name, f);
  const put = (to: string, chats: readonly string[], on: boolean) => act('setFolder', { name: to, chats: on ? [...chats, chat.id] : chats.filter((c) => c !== chat.id) });
  const make = async (e: Event) => {
    e.preventDefault();
    if (await put(name, known.get(name.trim())?.chats ?? [], true)) setName('');
  };
  const [renamed, setRenamed] = useState<string | null>(null);
  return (
    <>
      <Note>{t('folders.hint')}</Note>
      {[...known.values()].map((f) =>
        f.name === renamed ? (
          <Rename
            key={f.name}
            name={f.name}
            onDone={(as) => {
              if (as !== f.name) known.delete(f.name);
              setRenamed(null);
            }}
          />
        ) : (
          <div key={f.name} class="with-side">
            <Switch label={f.name} on={(f.chats ?? []).includes(chat.id)} onChange={(on) => void put(f.name, f.chats ?? [], on)} />
            {f.chats?.length ? (
              <button type="button" class="quiet" aria-label={t('folders.rename', { name: f.name })} title={t('folders.rename', { name: f.name })} onClick={() => setRenamed(f.name)}>
                <Icon name="edit" />
              </button>
            ) : null}
          </div>
        ),
      )}
      <form onSubmit={(e) => void make(e)} noValidate>
        <label for="folder-name">{t('folders.new')}</label>
        <input id="folder-name" value={name} dir={dirFor(name)} autocomplete="off" onInput={(e) => setName(e.currentTarget.value)} />
        <div class="buttons">
          <button class="primary">{t('folders.add')}</button>
        </div>
      </form>
    </>
  );
}

function Rename(p: { name: string; onDone(as: string): void }) {
  const [name, setName] = useState(p.name);
  const label = t('folders.rename', { name: p.name });
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.select(), []);
  const submit = async (e: Event) => {
    e.preventDefault();
    const as = name.trim();
    const here = folder.value === p.name; // who looks at it goes on looking at it
    if (as !== p.name && !(await act('setFolder', { name: p.name, as }))) return;
    if (here) folder.value = as;
    p.onDone(as);
  };
  const key = (e: KeyboardEvent) => {
    if (e.key !== 'Escape') return;
    e.preventDefault(); // this, and not the window
    e.stopPropagation();
    p.onDone(p.name);
  };
  return (
    <form class="line" onSubmit={(e) => void submit(e)} noValidate>
      <input ref={field} class="grow" aria-label={label} value={name} dir={dirFor(name)} autocomplete="off" onInput={(e) => setName(e.currentTarget.value)} onKeyDown={key} />
      <button class="primary">{t('save')}</button>
    </form>
  );
}
