// The list of chats: newest first, filtered by a search, with what is unread.
import { useRef, useState } from 'preact/hooks';
import { fold } from '../../lib/fold';
import { full, list, number, percent, short, t } from '../../lib/i18n';
import { dirFor, firstDir } from '../../lib/lang';
import { act, chatName, open, summary } from '../act';
import type { Chat } from '../api';
import { muted } from '../roles';
import { alone, archiveShown, chatMenuFor, chats, current, folders, inFolder, panel, phase, syncing, typing, words } from '../state';
import { ChatAvatar } from './avatar';
import { MessageState } from './bubble';
import { FolderTabs } from './folders';
import { Icon, Mark } from './icons';
import { later, Later } from './later';
import type { Place } from './menu';
import { usePress } from './press';

export function Sidebar() {
  const [query, setQuery] = useState('');
  const nav = useRef<HTMLElement>(null);
  const wanted = fold(query.trim());
  const within = inFolder.value?.chats;
  const aside = chats.value.filter((c) => c.archived);
  const shown = wanted ? chats.value.filter((c) => fold(chatName(c)).includes(wanted)) : within ? chats.value.filter((c) => within.includes(c.id)) : archiveShown.value && aside.length > 0 ? aside : chats.value.filter((c) => !c.archived);
  const tabs = folders.value.length > 0 && !wanted; // a search is through all chats
  const move = (e: KeyboardEvent) => {
    if (e.key !== 'ArrowDown' && e.key !== 'ArrowUp') return;
    if (e.altKey) return;
    const items = [...(nav.current?.querySelectorAll<HTMLElement>('.chat-item') ?? [])];
    const i = items.indexOf(document.activeElement as HTMLElement);
    e.preventDefault();
    items[Math.max(0, Math.min(items.length - 1, i + (e.key === 'ArrowDown' ? 1 : -1)))]?.focus();
  };
  const searchKey = (e: KeyboardEvent) => {
    if (e.key === 'Escape') {
      if (query) setQuery('');
      else (e.currentTarget as HTMLElement).blur();
    } else if (e.key === 'Enter' && shown[0] && wanted) {
      (e.currentTarget as HTMLElement).blur();
      void open(shown[0].id);
      setQuery('');
    } else move(e);
  };
  return (
    <div class="sidebar">
      <header class="bar">
        <h1>
          <button type="button" class="brand" aria-haspopup="dialog" title={t('accounts')} onClick={() => (panel.value = { kind: 'settings', page: 'accounts' })}>
            <Mark />
            <span class="clip">{t('app.name')}</span>
          </button>
        </h1>
        <button type="button" class="quiet" aria-label={t('invite')} title={t('invite')} onClick={() => (panel.value = { kind: 'invite' })}>
          <Icon name="invite" />
        </button>
        <button type="button" class="quiet" aria-label={t('group.new')} title={t('group.new')} onClick={() => (panel.value = { kind: 'group' })}>
          <Icon name="group" />
        </button>
        <button type="button" class="quiet" aria-label={t('settings')} title={t('settings')} onClick={() => (panel.value = { kind: 'settings' })}>
          <Icon name="gear" />
        </button>
      </header>
      <div class="search">
        <Icon name="search" />
        <input id="search" type="search" value={query} placeholder={t('search')} aria-label={t('search')} dir={dirFor(query)} autocomplete="off" onInput={(e) => setQuery(e.currentTarget.value)} onKeyDown={searchKey} />
      </div>
      {syncing.value === null ? null : (
        <div class="syncing" role="status">
          <p class="dim">{t('syncing', { percent: percent(syncing.value) })}</p>
          <progress aria-label={t('syncing.short')} max={100} value={syncing.value} />
        </div>
      )}
      {tabs ? <FolderTabs /> : null}
      <nav ref={nav} class="chats" aria-label={t('chats')} onKeyDown={move}>
        <div id="chats" role={tabs ? 'tabpanel' : undefined} aria-label={tabs ? inFolder.value?.name ?? t('folders.all') : undefined}>
          {!wanted && !within && aside.length > 0 ? (
            <button type="button" class="chat-item aside" aria-expanded={archiveShown.value} onClick={() => (archiveShown.value = !archiveShown.value)}>
              <Icon name={archiveShown.value ? 'back' : 'folder'} />
              <span class="grow">{archiveShown.value ? t('archive.back') : t('archived')}</span>
              <span class="dim">{number(aside.length)}</span>
            </button>
          ) : null}
          <ul>
            {shown.map((c) => (
              <li key={c.id}>
                <ChatItem chat={c} />
              </li>
            ))}
          </ul>
        </div>
        {wanted ? <Later show={(x) => <x.FoundMessages query={query} onGo={() => setQuery('')} />} /> : null}
        {within && shown.length === 0 ? (
          <p class="hint" role="status">
            {t('search.none')}
          </p>
        ) : null}
        {!wanted && !within && alone.value && phase.value === 'ready' ? (
          <div class="hint card">
            <p>{t('empty.alone.hint')}</p>
            <button type="button" class="primary" onClick={() => (panel.value = { kind: 'invite' })}>
              {t('invite')}
            </button>
          </div>
        ) : null}
      </nav>
      {chatMenuFor.value ? <Later show={(x) => <x.ChatMenu />} /> : null}
      {words.value === 'offer' || words.value === 'renew' ? (
        <div class="offer">
          <p>{t(words.value === 'offer' ? 'words.offer' : 'words.renew')}</p>
          <button type="button" class="link" onClick={() => void act('keepWords', { later: true })}>
            {t('words.later')}
          </button>
          <button type="button" class="small" onClick={() => (panel.value = { kind: 'settings', page: 'words' })}>
            {t('words.look')}
          </button>
        </div>
      ) : null}
    </div>
  );
}

function ChatItem({ chat }: { chat: Chat }) {
  const who = typing.value[chat.id] ?? [];
  const last = chat.last;
  const open_ = current.value === chat.id;
  const menu = (at: Place) => (chatMenuFor.value = { chat, at, show: 'menu' });
  const press = usePress(menu);
  return (
    <button
      type="button"
      class="chat-item"
      aria-current={open_ ? 'true' : undefined}
      onClick={() => void open(chat.id)}
      onContextMenu={(e) => {
        e.preventDefault();
        const r = e.currentTarget.getBoundingClientRect();
        menu(e.clientX || e.clientY ? { x: e.clientX, y: e.clientY } : { x: r.left + r.width / 2, y: r.bottom }); // a key has no place
      }}
      {...press}
      onPointerDown={(e) => {
        press.onPointerDown(e);
        if (e.pointerType === 'touch') later()?.swipe(e, chat);
      }}
    >
      <ChatAvatar chat={chat} />
      <span class="chat-lines">
        <span class="chat-top">
          <span class="chat-name">
            <bdi class="clip">{chatName(chat)}</bdi>
            {muted(chat) ? (
              <>
                <Icon name="mute" />
                <span class="sr">{t('muted')}</span>
              </>
            ) : null}
          </span>
          {last?.own && last.kind !== 'notice' ? <MessageState state={last.state} /> : null}
          {chat.at > 0 ? (
            <time dateTime={new Date(chat.at).toISOString()} title={full(chat.at)}>
              {short(chat.at)}
            </time>
          ) : null}
        </span>
        <span class="chat-bottom">
          <span class="chat-last">
            {who.length > 0 ? (
              <span class="clip typing">{chat.kind === 'two' ? t('typing') : t('typing.who', { n: who.length, who: list(who) })}</span>
            ) : chat.draft && !open_ ? (
              <>
                <span class="draft">{t('draft')}</span>
                <bdi class="clip">{chat.draft}</bdi>
              </>
            ) : (
              <Last chat={chat} />
            )}
          </span>
          {chat.mentions ? (
            <span class="count at">
              <span aria-hidden="true">@</span>
              <span class="sr">{t('mention.unread', { n: chat.mentions })}</span>
            </span>
          ) : null}
          {chat.pinned && chat.unread === 0 ? (
            <>
              <Icon name="pin" />
              <span class="sr">{t('pinned')}</span>
            </>
          ) : null}
          {chat.marked && chat.unread === 0 ? (
            <span class="count dot">
              <span class="sr">{t('marked')}</span>
            </span>
          ) : null}
          {chat.unread > 0 ? (
            <span class={muted(chat) ? 'count quiet-count' : 'count'}>
              <span aria-hidden="true">{number(chat.unread)}</span>
              <span class="sr">{t('unread', { n: chat.unread })}</span>
            </span>
          ) : null}
        </span>
      </span>
    </button>
  );
}

function Last({ chat }: { chat: Chat }) {
  const m = chat.last;
  if (!m) return <span class="clip">{chat.kind === 'saved' ? t('saved.hint') : t(`state.${chat.state === 'waiting' ? (chat.kind === 'group' ? 'knocking' : 'waiting') : 'open'}`)}</span>;
  const named = chat.kind === 'group' && m.kind !== 'notice';
  // The line runs as its text does, sender included: "Ann: see you" stays in this order in a Persian list too.
  return (
    <span class="last-line" dir={m.text && named ? firstDir(m.text) : undefined}>
      {named ? <span class="who">{m.own ? t('you') : <bdi class="clip">{m.fromName}</bdi>}:</span> : null}
      {m.files?.length && !m.text ? <Icon name={m.files[0]!.mime.startsWith('image/') ? 'image' : 'file'} /> : null}
      {/* Our own words run as the language does, whatever name they begin with. */}
      {m.kind === 'notice' || m.kind === 'deleted' ? <span class="clip">{summary(m)}</span> : <bdi class="clip">{summary(m)}</bdi>}
    </span>
  );
}
