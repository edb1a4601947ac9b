// Making a group, what a chat is, and who is in it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../../lib/i18n';
import { dirFor } from '../../lib/lang';
import { act, chatName, newGroup, open, setGroup } from '../act';
import type { Chat, Member } from '../api';
import { chatOf, contacts, panel } from '../state';
import { Avatar, ChatAvatar } from './avatar';
import { Confirm, Dialog } from './dialog';
import { Icon } from './icons';

const closePanel = () => (panel.value = null);

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
    if (members.length === 0) {
      setProblem(t('group.members.missing'));
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
        <Choose chats={contacts.value} chosen={members} onChange={setMembers} />
        <p class="problem" role="alert">
          {problem}
        </p>
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

export function AddPanel({ id }: { id: string }) {
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [inside, setInside] = useState<readonly string[]>([]);
  const back = () => (panel.value = { kind: 'chat', chat: id });
  useEffect(() => {
    void act('getMembers', { chat: id }).then((r) => setInside((r?.members ?? []).map((m) => m.person)));
  }, [id]);
  const free = contacts.value.filter((c) => !c.person || !inside.includes(c.person));
  const submit = async (e: Event) => {
    e.preventDefault();
    if (await act('addMembers', { chat: id, members: [...chosen] })) back();
  };
  return (
    <Dialog title={t('group.add')} onClose={back}>
      <form onSubmit={submit}>
        {free.length > 0 ? <Choose chats={free} chosen={chosen} onChange={setChosen} /> : <p>{t('group.add.none')}</p>}
        <div class="buttons">
          <button type="button" onClick={back}>
            {t('cancel')}
          </button>
          <button class="primary" disabled={chosen.length === 0}>
            {t('group.add')}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Choose(p: { chats: readonly Chat[]; chosen: readonly string[]; onChange(ids: readonly string[]): void }) {
  return (
    <fieldset class="choose">
      <legend>{t('group.choose')}</legend>
      {p.chats.map((c) => (
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

function PictureField(p: { image: Blob | null; onPick(b: Blob): void; name: string; id: string; picture: string | undefined }) {
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

export function ChatPanel({ id }: { id: string }) {
  const chat = chatOf(id);
  const [members, setMembers] = useState<readonly Member[]>([]);
  const [question, setQuestion] = useState<{ kind: 'leave' } | { kind: 'remove'; member: Member } | null>(null);
  const [editing, setEditing] = useState(false);
  useEffect(() => {
    void act('getMembers', { chat: id }).then((r) => setMembers(r?.members ?? []));
  }, [id, chat?.members, chat?.admin]);
  if (!chat) return null;
  const group = chat.kind === 'group';
  const inside = chat.state === 'open' || chat.state === 'waiting';
  return (
    <Dialog title={group ? t('group') : t('chat.about')} onClose={closePanel}>
      {editing ? (
        <GroupForm chat={chat} onDone={() => setEditing(false)} />
      ) : (
        <div class="about-head">
          <ChatAvatar chat={chat} />
          <h3>
            <bdi>{chatName(chat)}</bdi>
          </h3>
          {group && chat.admin && inside ? (
            <button type="button" class="link" onClick={() => setEditing(true)}>
              {t('group.edit')}
            </button>
          ) : null}
        </div>
      )}
      {group ? (
        <section>
          <h3>{t('members', { n: members.length })}</h3>
          <ul class="people">
            {members.map((m) => (
              <MemberLine key={m.person} member={m} admin={chat.admin && inside} onRemove={() => setQuestion({ kind: 'remove', member: m })} />
            ))}
          </ul>
          {inside ? (
            <div class="buttons start">
              {chat.admin ? (
                <button type="button" onClick={() => (panel.value = { kind: 'add', chat: id })}>
                  <Icon name="invite" />
                  {t('group.add')}
                </button>
              ) : null}
              <button type="button" class="danger" onClick={() => setQuestion({ kind: 'leave' })}>
                <Icon name="leave" />
                {t('group.leave')}
              </button>
            </div>
          ) : null}
        </section>
      ) : (
        <p class="dim">{t('chat.encrypted')}</p>
      )}
      {question?.kind === 'leave' ? (
        <Confirm title={t('group.leave')} text={t('group.leave.text')} yes={t('group.leave')} danger onClose={() => setQuestion(null)} onYes={() => void act('leave', { chat: id }).then(closePanel)} />
      ) : null}
      {question?.kind === 'remove' ? (
        <Confirm
          title={t('group.remove')}
          text={t('group.remove.text', { name: question.member.name })}
          yes={t('group.remove')}
          danger
          onClose={() => setQuestion(null)}
          onYes={() => void act('removeMember', { chat: id, person: question.member.person })}
        />
      ) : null}
    </Dialog>
  );
}

function MemberLine(p: { member: Member; admin: boolean; onRemove(): void }) {
  const m = p.member;
  return (
    <li class="person">
      <Avatar id={m.person} name={m.name} small />
      <span class="grow">
        <bdi>{m.name || t('chat.noname')}</bdi> {m.own ? <span class="dim">({t('you')})</span> : null}
        {m.admin ? <span class="tag">{t('group.admin')}</span> : null}
      </span>
      {m.chat && !m.own ? (
        <button
          type="button"
          class="link"
          onClick={() => {
            closePanel();
            void open(m.chat!);
          }}
        >
          {t('group.write')}
        </button>
      ) : null}
      {p.admin && !m.own ? (
        <button type="button" class="quiet" aria-label={t('group.remove.who', { name: m.name })} title={t('group.remove')} onClick={p.onRemove}>
          <Icon name="trash" />
        </button>
      ) : null}
    </li>
  );
}

function GroupForm(p: { chat: Chat; onDone(): void }) {
  const [name, setName] = useState(p.chat.name);
  const [image, setImage] = useState<Blob | null>(null);
  const submit = async (e: Event) => {
    e.preventDefault();
    if (!name.trim()) return;
    const renamed = name.trim() === p.chat.name ? '' : name.trim();
    if ((!renamed && !image) || (await setGroup(p.chat.id, renamed, image))) p.onDone();
  };
  return (
    <form onSubmit={submit}>
      <div class="group-head">
        <PictureField image={image} onPick={setImage} name={name} id={p.chat.id} picture={p.chat.picture} />
        <div class="grow">
          <label for="group-name">{t('group.name')}</label>
          <input id="group-name" value={name} dir={dirFor(name)} onInput={(e) => setName(e.currentTarget.value)} />
        </div>
      </div>
      <div class="buttons">
        <button type="button" onClick={p.onDone}>
          {t('cancel')}
        </button>
        <button class="primary">{t('save.changes')}</button>
      </div>
    </form>
  );
}
