// Making a group.
import { useEffect, useRef, useState } from 'preact/hooks';
import { fold } from '../../lib/fold';
import { t } from '../../lib/i18n';
import { dirFor } from '../../lib/lang';
import { chatName, newGroup } from '../act';
import type { Chat } from '../api';
import { contacts } from '../state';
import { Avatar, ChatAvatar } from '../view/avatar';
import { Dialog } from '../view/dialog';
import { Icon } from '../view/icons';
import { closePanel, Note, Problem } from './parts';

// From this many people on there is a field to search.
const searchFrom = 8;

export function NewGroupPanel() {
  const [name, setName] = useState('');
  const [image, setImage] = useState<Blob | null>(null);
  const [members, setMembers] = useState<readonly string[]>([]);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const submit = async (e: Event) => {
    e.preventDefault();
    if (!name.trim()) {
      setProblem(t('group.name.missing'));
      return;
    }
    setBusy(true);
    if (await newGroup(name.trim(), [...members], image)) closePanel();
    else setBusy(false);
  };
  return (
    <Dialog title={t('group.new')} onClose={closePanel}>
      <form onSubmit={submit} noValidate>
        <div class="group-head">
          <PictureField image={image} onPick={setImage} name={name} id="" picture={undefined} />
          <div class="grow">
            <label for="group-name">{t('group.name')}</label>
            <input id="group-name" value={name} dir={dirFor(name)} autocomplete="off" onInput={(e) => setName(e.currentTarget.value)} />
          </div>
        </div>
        {contacts.value.length > 0 ? <Choose chats={contacts.value} chosen={members} onChange={setMembers} /> : null}
        <Note>{t('group.new.hint')}</Note>
        <Problem text={problem} />
        <div class="buttons">
          <button type="button" onClick={closePanel}>
            {t('cancel')}
          </button>
          <button class="primary" disabled={busy}>
            {t('group.make')}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** People to choose from; with many there is a field to search. */
export function Choose(p: { chats: readonly Chat[]; chosen: readonly string[]; onChange(ids: readonly string[]): void; legend?: string }) {
  const [query, setQuery] = useState('');
  const wanted = fold(query.trim());
  const shown = wanted ? p.chats.filter((c) => fold(chatName(c)).includes(wanted)) : p.chats;
  return (
    <fieldset class="choose">
      <legend>{p.legend ?? t('group.choose')}</legend>
      {p.chats.length >= searchFrom ? <input type="search" value={query} placeholder={t('members.search')} aria-label={t('members.search')} dir={dirFor(query)} autocomplete="off" onInput={(e) => setQuery(e.currentTarget.value)} /> : null}
      {shown.map((c) => (
        <label key={c.id} class="person">
          <ChatAvatar chat={c} small />
          <span class="grow">
            <bdi>{chatName(c)}</bdi>
          </span>
          <input type="checkbox" checked={p.chosen.includes(c.id)} onChange={(e) => p.onChange(e.currentTarget.checked ? [...p.chosen, c.id] : p.chosen.filter((x) => x !== c.id))} />
        </label>
      ))}
    </fieldset>
  );
}

export function PictureField(p: { image: Blob | null; onPick(b: Blob): void; name: string; id: string; picture: string | undefined }) {
  const input = useRef<HTMLInputElement>(null);
  const [url, setURL] = useState<string | null>(null);
  useEffect(() => {
    if (!p.image) return;
    const u = URL.createObjectURL(p.image);
    setURL(u);
    return () => URL.revokeObjectURL(u);
  }, [p.image]);
  return (
    <button type="button" class="picture-field" aria-label={t('group.picture')} title={t('group.picture')} onClick={() => input.current?.click()}>
      {url ? <img class="avatar" src={url} alt="" /> : p.picture || p.name ? <Avatar id={p.id} name={p.name} picture={p.picture} /> : <span class="avatar saved"><Icon name="image" /></span>}
      <input ref={input} type="file" accept="image/*" hidden aria-label={t('group.picture')} onClick={(e) => e.stopPropagation()} onChange={(e) => e.currentTarget.files?.[0] && p.onPick(e.currentTarget.files[0])} />
    </button>
  );
}

