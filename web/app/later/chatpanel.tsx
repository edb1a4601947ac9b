// What a chat is, and for a group who is in it and how it is run: a window with pages.
import { useState } from 'preact/hooks';
import { type Key, number, t } from '../../lib/i18n';
import { act, chatName } from '../act';
import type { Chat } from '../api';
import { type ChatPage, chatOf, contacts, panel, servers } from '../state';
import { ChatAvatar } from '../view/avatar';
import { Text } from '../view/text';
import { Confirm, Dialog } from '../view/dialog';
import { FolderPage } from './folderpage';
import { AddPage, EditPage, MovePage, RulesPage } from './grouppages';
import { BannedPage, KnocksPage, LinksPage } from './grouplinks';
import { Members } from './members';
import { Choice, closePanel, Entry, host } from './parts';
import { inside, mayAdd, mayChange } from '../roles';
import { rulesInWords } from './rules';
import { setVanish, vanishes, vanishName } from './talk';

const titles: Record<ChatPage, Key> = { edit: 'group.edit', add: 'group.add', rules: 'rules', links: 'links', knocks: 'knocks', banned: 'banned', move: 'move', folders: 'folders' };

export function ChatPanel({ id, page }: { id: string; page: ChatPage | undefined }) {
  const chat = chatOf(id);
  if (!chat) return null;
  const go = (to?: ChatPage) => (panel.value = to ? { kind: 'chat', chat: id, page: to } : { kind: 'chat', chat: id });
  const group = chat.kind === 'group';
  return (
    <Dialog title={page ? t(titles[page]) : group ? t('group') : t('chat.about')} class={group ? 'tall' : ''} page={page} onBack={page ? () => go() : undefined} onClose={closePanel}>
      {page ? <Page chat={chat} page={page} onDone={() => go()} /> : <About chat={chat} go={go} />}
    </Dialog>
  );
}

function Page({ chat, page, onDone }: { chat: Chat; page: ChatPage; onDone(): void }) {
  switch (page) {
    case 'edit':
      return <EditPage chat={chat} onDone={onDone} />;
    case 'add':
      return <AddPage chat={chat} onDone={onDone} />;
    case 'rules':
      return <RulesPage chat={chat} onDone={onDone} />;
    case 'links':
      return <LinksPage chat={chat} />;
    case 'knocks':
      return <KnocksPage chat={chat} />;
    case 'banned':
      return <BannedPage chat={chat} />;
    case 'folders':
      return <FolderPage chat={chat} />;
    case 'move':
      return <MovePage chat={chat} onDone={onDone} />;
  }
}

function About({ chat, go }: { chat: Chat; go(page: ChatPage): void }) {
  const [leaving, setLeaving] = useState(false);
  const group = chat.kind === 'group';
  const add = mayAdd(chat);
  const movable = inside(chat) && (chat.admin || !group) && servers.value.filter((s) => s.member).length > 1;
  const rules = rulesInWords(chat);
  return (
    <>
      <div class="about-head">
        <ChatAvatar chat={chat} />
        <h3>
          <bdi>{chatName(chat)}</bdi>
        </h3>
        {chat.about ? (
          <p class="about-text" dir="auto">
            <Text text={chat.about} />
          </p>
        ) : null}
      </div>
      {group ? null : <p class="dim">{t(chat.kind === 'saved' ? 'beginning.saved' : 'chat.encrypted')}</p>}
      <div class="entries">
        {add && chat.knocks ? <Entry icon="door" label={t('knocks')} count={number(chat.knocks)} onClick={() => go('knocks')} /> : null}
        {group && add && contacts.value.length > 0 ? <Entry icon="invite" label={t('group.add')} onClick={() => go('add')} /> : null}
        {group && add ? <Entry icon="link" label={t('links')} onClick={() => go('links')} /> : null}
        {group && mayChange(chat) ? <Entry icon="edit" label={t('group.edit')} onClick={() => go('edit')} /> : null}
        {group && chat.admin && inside(chat) ? (
          <>
            <Entry icon="gear" label={t('rules')} onClick={() => go('rules')} />
            <Entry icon="block" label={t('banned')} onClick={() => go('banned')} />
          </>
        ) : null}
        <Entry icon="folder" label={t('folders')} onClick={() => go('folders')} />
        {movable ? <Entry icon="server" label={t('move')} value={host(chat.origin ?? servers.value.find((s) => s.home)?.origin ?? '')} onClick={() => go('move')} /> : null}
        {group && inside(chat) ? <Entry icon="leave" label={t('group.leave')} danger onClick={() => setLeaving(true)} /> : null}
      </div>
      {inside(chat) && chat.kind !== 'saved' ? (
        chat.admin || !group ? (
          <Choice label={t('vanish')} hint={t('vanish.hint')} value={chat.vanish ?? 0} options={[...new Set([...vanishes, chat.vanish ?? 0])].sort((a, b) => a - b).map((s) => [s, vanishName(s)] as const)} onChange={(s) => setVanish(chat.id, s)} />
        ) : chat.vanish ? (
          <p class="dim note">{t('vanish.on', { time: vanishName(chat.vanish) })}</p>
        ) : null
      ) : null}
      {chat.origin && !movable ? <p class="dim note">{t('chat.elsewhere', { server: host(chat.origin) })}</p> : null}
      {group && !chat.admin && rules.length > 0 ? (
        <ul class="rules-words" aria-label={t('rules')}>
          {rules.map((r) => (
            <li key={r}>{r}</li>
          ))}
        </ul>
      ) : null}
      {group && chat.state !== 'waiting' && chat.state !== 'refused' ? <Members chat={chat} /> : null}
      {leaving ? <Confirm title={t('group.leave')} text={t('group.leave.text')} yes={t('group.leave')} danger onClose={() => setLeaving(false)} onYes={() => void act('leave', { chat: chat.id }).then(closePanel)} /> : null}
    </>
  );
}
