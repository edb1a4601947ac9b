// The page of a chat's window that says which folders it is in.
import { useState } from 'preact/hooks';
import { t } from '../../lib/i18n';
import { dirFor } from '../../lib/lang';
import { act } from '../act';
import type { Chat, Folder } from '../api';
import { folders } from '../state';
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
  return (
    <>
      <Note>{t('folders.hint')}</Note>
      {[...known.values()].map((f) => (
        <Switch key={f.name} label={f.name} on={(f.chats ?? []).includes(chat.id)} onChange={(on) => void put(f.name, f.chats ?? [], on)} />
      ))}
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
