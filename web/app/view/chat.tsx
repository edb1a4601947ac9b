// One open chat: its head, its messages, and the box to write in.
import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { day, list, number, t } from '../../lib/i18n';
import { List, type ListHandle } from '../../lib/list';
import { act, ask, chatName, close, fail, noticeText } from '../act';
import type { Chat, Message } from '../api';
import { compose } from '../compose';
import { account, chosen, contacts, goal, menuFor, panel, typing } from '../state';
import { thread } from '../thread';
import { ChatAvatar } from './avatar';
import { Bubble } from './bubble';
import { Composer } from './composer';
import { Icon } from './icons';
import { Later } from './later';
import { type Line, lines } from './lines';
import { Pins } from './pins';
import { mayAdd } from '../roles';

// A message this many places back is reached page by page, one further back at once. How many pages that may be.
const jumpNear = 400;
const jumpPagesMax = 20;
// An own message younger than this (ms) was said just now.
const freshOwn = 10_000;

export function ChatView({ chat }: { chat: Chat }) {
  const th = thread(chat.id);
  const c = compose(chat.id);
  const messages = th.messages.value;
  const handle = useRef<ListHandle | null>(null);
  const atEnd = useSignal(true);
  const seen = useRef({ key: '', index: -1 });
  // Where one had read up to on opening: the line stays there while the chat is open.
  const newFrom = useMemo(() => firstNew(chat, messages), [chat.id]);
  const rows = useMemo(() => lines(messages, newFrom), [messages, newFrom, day(Date.now())]);

  const mark = () => {
    if (document.hidden) return;
    const m = messages.find((x) => `m${x.id}` === seen.current.key);
    const now = thread(chat.id).messages.value;
    if (!m || m.index <= seen.current.index || chat.unread === 0) return;
    const read = messages.find((x) => x.id === chat.readUpTo);
    if (!read && th.newer.value) return; // further up, among what was read long ago
    if (read && m.index <= read.index && !atEnd.value) return;
    seen.current.index = m.index;
    // At the end everything is read, also what was sent from elsewhere since.
    const last = atEnd.value ? now.at(-1) ?? m : m;
    void act('markRead', { chat: chat.id, message: last.id });
  };
  const markNow = useRef(mark);
  markNow.current = mark;
  useEffect(() => {
    const again = () => markNow.current();
    document.addEventListener('visibilitychange', again);
    addEventListener('focus', again);
    return () => {
      document.removeEventListener('visibilitychange', again);
      removeEventListener('focus', again);
      c.keep();
    };
  }, [chat.id]);
  useEffect(() => markNow.current(), [messages, chat.unread]);
  // One's own new message is where one looks next, also from further up. A piece of old ones that comes in ends with no new one.
  const said = chat.last?.own ? chat.last.id : '';
  const first = useRef(true);
  useEffect(() => {
    if (said && !first.current && Date.now() - chat.last!.at < freshOwn) void toEnd();
    first.current = false;
  }, [said]);

  // The oldest unread message that names oneself, as far as it is in the page.
  const named = chat.mentions ? unreadMention(chat, messages) : null;
  const jump = async (id: string, index?: number) => {
    const here = () => th.messages.value.some((m) => m.id === id);
    try {
      if (!here()) index ??= (await ask('message', { chat: chat.id, message: id })).index;
      const first = th.messages.value[0];
      if (!here() && index !== undefined && first && (th.newer.value || first.index - index > jumpNear)) await th.around(index);
      for (let i = 0; i < jumpPagesMax && !here(); i++) if (!(await th.older())) break;
    } catch (e) {
      return fail(e);
    }
    requestAnimationFrame(() => handle.current?.to(`m${id}`, true));
  };
  // Somebody was found from elsewhere: a search, a thread.
  const wanted = goal.value;
  useEffect(() => {
    if (wanted?.chat !== chat.id) return;
    goal.value = null;
    void jump(wanted.message, wanted.index);
  }, [wanted]);
  const toEnd = async () => {
    if (th.newer.value) await th.fresh().catch(fail);
    handle.current?.toEnd();
  };

  return (
    <>
      <Head chat={chat} />
      {chat.forked ? (
        <p class="banner danger" role="alert">
          <Icon name="alert" />
          <span>{t('chat.forked')}</span>
        </p>
      ) : null}
      {chat.kind === 'group' && chat.admin && chat.knocks ? (
        <button type="button" class="knocks" onClick={() => (panel.value = { kind: 'chat', chat: chat.id, page: 'knocks' })}>
          <Icon name="door" />
          {t('knocks.line', { n: chat.knocks })}
        </button>
      ) : null}
      {chat.kind === 'group' && chat.members === 1 && !chat.knocks && mayAdd(chat) ? (
        <button type="button" class="knocks" onClick={() => (panel.value = { kind: 'chat', chat: chat.id, page: 'links' })}>
          <Icon name="invite" />
          {t('group.alone')}
        </button>
      ) : null}
      <Pins chat={chat} onJump={(id) => void jump(id)} />
      <div class="stage">
        <List<Line>
          rows={rows}
          label={t('messages.in', { chat: chatName(chat) })}
          start={newFrom ? 'new' : null}
          more={th.more.value}
          onMore={() => void th.older().catch(fail)}
          newer={th.newer.value}
          onNewer={() => void th.later().catch(fail)}
          onSee={(key, end) => {
            atEnd.value = end;
            seen.current.key = key;
            markNow.current();
          }}
          handle={handle}
          onKeyDown={rowKeys}
          render={(r) => <Row key={r.key} row={r} chat={chat} onJump={(id) => void jump(id)} />}
        />
        {messages.length === 0 && th.loaded.value && (chat.kind !== 'group' || chat.state === 'open') ? <Beginning chat={chat} /> : null}
        {named && !(atEnd.value && chat.unread === 0) ? (
          <button type="button" class={atEnd.value ? 'to-end to-mention low' : 'to-end to-mention'} aria-label={t('mention.to', { n: chat.mentions ?? 0 })} onClick={() => void jump(named.id)}>
            <span aria-hidden="true">@</span>
          </button>
        ) : null}
        {atEnd.value ? null : (
          <button type="button" class="to-end" aria-label={chat.unread > 0 ? t('end.unread', { n: chat.unread }) : t('end')} onClick={() => void toEnd()}>
            <Icon name="down" />
            {chat.unread > 0 ? (
              <span class="count" aria-hidden="true">
                {number(chat.unread)}
              </span>
            ) : null}
          </button>
        )}
      </div>
      {chosen.value ? <Later show={(x) => <x.SelectBar chat={chat} />} /> : <Foot chat={chat} />}
      {menuFor.value ? <Later show={(x) => <x.MessageMenu chat={chat} />} /> : null}
    </>
  );
}

/** Below the messages: the box to write in, or why there is none. */
function Foot({ chat }: { chat: Chat }) {
  const state: string = chat.state;
  if (state === 'refused' && chat.kind === 'group') {
    const why = chat.refused === 'banned' || chat.refused === 'group-full' || chat.refused === 'device-outdated' ? t(`error.${chat.refused}`) : t('chat.refused.group');
    return (
      <p class="closed" role="status">
        {why}
      </p>
    );
  }
  if (state === 'left' || state === 'broken' || state === 'refused') return <p class="closed">{t(`chat.${state}`)}</p>;
  if (chat.kind === 'group' && state === 'waiting') {
    return (
      <p class="closed" role="status">
        {t('chat.knocking')}
      </p>
    );
  }
  if (chat.rules?.quiet && !chat.admin) return <p class="closed">{t('chat.quiet')}</p>;
  return (
    <>
      {state === 'healing' ? (
        <p class="banner" role="status">
          {t(chat.refused === 'device-outdated' ? 'error.device-outdated' : 'chat.healing')}
        </p>
      ) : null}
      <Composer chat={chat} />
    </>
  );
}

/** The first message that was new when the chat was opened. */
function firstNew(chat: Chat, messages: readonly Message[]): string | null {
  if (chat.unread === 0) return null;
  const read = messages.findIndex((m) => m.id === chat.readUpTo);
  if (read >= 0) return messages.slice(read + 1).find((m) => !m.own)?.id ?? null;
  const others = messages.filter((m) => !m.own && m.kind !== 'notice');
  return others.at(-chat.unread)?.id ?? others[0]?.id ?? null;
}

function unreadMention(chat: Chat, messages: readonly Message[]): Message | null {
  const self = account.value?.person;
  const read = messages.find((m) => m.id === chat.readUpTo)?.index ?? -1;
  return messages.find((m) => m.index > read && m.mentions?.some((x) => x.person === self)) ?? null;
}

function Head({ chat }: { chat: Chat }) {
  const who = typing.value[chat.id] ?? [];
  let below = '';
  if (who.length > 0) below = chat.kind === 'two' ? t('typing') : t('typing.who', { n: who.length, who: list(who) });
  else if (chat.kind === 'group' && chat.state === 'waiting') below = t('state.knocking');
  else if (chat.kind === 'group' && chat.state !== 'left') below = t('members', { n: chat.members });
  else if (chat.kind === 'saved') below = t('saved.hint');
  else if (chat.state === 'waiting') below = t('state.waiting');
  const title = (
    <>
      <ChatAvatar chat={chat} small />
      <span class="head-lines">
        <h1>
          <bdi class="clip">{chatName(chat)}</bdi>
        </h1>
        {below ? <span class={who.length > 0 ? 'below typing' : 'below'}>{below}</span> : null}
      </span>
    </>
  );
  return (
    <header class="bar chat-head">
      <button type="button" class="quiet back" aria-label={t('back')} onClick={close}>
        <Icon name="back" />
      </button>
      <button type="button" class="head-title" aria-haspopup="dialog" title={t('chat.about')} onClick={() => (panel.value = { kind: 'chat', chat: chat.id })}>
        {title}
      </button>
      <button type="button" class="quiet" aria-label={t('search.here')} title={t('search.here')} onClick={() => (panel.value = { kind: 'search', chat: chat.id })}>
        <Icon name="search" />
      </button>
    </header>
  );
}

function Beginning({ chat }: { chat: Chat }) {
  const saved = chat.kind === 'saved';
  return (
    <div class="beginning">
      <ChatAvatar chat={chat} />
      <p>{saved ? t('beginning.saved') : t('beginning.chat')}</p>
      {saved && contacts.value.length === 0 ? (
        <button type="button" class="primary" onClick={() => (panel.value = { kind: 'invite' })}>
          {t('invite')}
        </button>
      ) : null}
    </div>
  );
}

function Row(p: { row: Line; chat: Chat; onJump(id: string): void }) {
  const r = p.row;
  switch (r.kind) {
    case 'day':
      return (
        <div class="day" data-key={r.key} role="separator" aria-label={day(r.at)}>
          <span>{day(r.at)}</span>
        </div>
      );
    case 'new':
      return (
        <div class="new" data-key={r.key} role="separator" aria-label={t('new')}>
          <span>{t('new')}</span>
        </div>
      );
    case 'notice':
      return (
        <div class="notice" data-key={r.key}>
          <span>{noticeText(r.message)}</span>
        </div>
      );
    case 'message':
      return <Bubble line={r} chat={p.chat} onJump={p.onJump} />;
  }
}

/** Arrows walk through messages; Enter opens a message's menu. */
function rowKeys(e: KeyboardEvent): void {
  const box = e.currentTarget as HTMLElement;
  const here = (e.target as HTMLElement).closest<HTMLElement>('.row');
  if (e.target !== box && e.target !== here) return;
  const all = [...box.querySelectorAll<HTMLElement>('.row')];
  const i = here ? all.indexOf(here) : all.length;
  if (e.key === 'ArrowUp' || e.key === 'ArrowDown') {
    if (e.altKey) return;
    const next = all[i + (e.key === 'ArrowUp' ? -1 : 1)];
    if (!next) return;
    e.preventDefault();
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: 'nearest' });
  } else if (here && (e.key === 'Enter' || e.key === ' ' || e.key === 'ContextMenu')) {
    e.preventDefault();
    const r = here.getBoundingClientRect();
    here.dispatchEvent(new CustomEvent('menu', { detail: { x: r.left + r.width / 2, y: r.top + Math.min(r.height, 48) } }));
  }
}
