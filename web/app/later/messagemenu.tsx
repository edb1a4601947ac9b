// What can be done with a message, and the questions before what cannot be undone.
import { t } from '../../lib/i18n';
import { quick, used } from '../../lib/quick';
import { act, copy, react } from '../act';
import type { Chat, Message } from '../api';
import { compose } from '../compose';
import { mayChange } from '../roles';
import { saveFile } from '../files';
import { chosen, menuFor, type OpenMenu, panel } from '../state';
import { Confirm } from '../view/dialog';
import { type Entry, Menu } from '../view/menu';
import { EmojiPicker } from './emoji';

export function MessageMenu({ chat }: { chat: Chat }) {
  const open = menuFor.value;
  if (!open) return null;
  const m = open.message;
  const close = () => {
    if (menuFor.value === open) menuFor.value = null;
  };
  if (open.show === 'emoji') {
    return (
      <EmojiPicker
        at={open.at}
        onClose={close}
        onPick={(e) => {
          close();
          void react(m, e);
        }}
      />
    );
  }
  if (open.show === 'hide') {
    return <Confirm title={t('hide.title')} text={t('hide.text')} yes={t('hide.yes')} danger onClose={close} onYes={() => void act('hide', { chat: m.chat, messages: [m.id] })} />;
  }
  if (open.show === 'delete') {
    return <Confirm title={t('delete.title')} text={t('delete.text')} yes={t('delete.yes')} danger onClose={close} onYes={() => void act('delete', { chat: m.chat, message: m.id })} />;
  }
  const may = chat.state === 'open' || chat.state === 'waiting';
  return (
    <Menu at={open.at} label={t('message.menu')} entries={entries(m, may, may && mayChange(chat), open)} onClose={close} top={may && settled(m) ? <Quick message={m} open={open} /> : null} />
  );
}

/** A message that the others have: it can be answered, changed and reacted to. */
const settled = (m: Message) => m.kind !== 'deleted' && m.state !== 'queued' && m.state !== 'failed' && m.state !== 'scheduled';

function Quick({ message, open }: { message: Message; open: OpenMenu }) {
  const pick = (e: string) => {
    menuFor.value = null;
    used(e);
    void react(message, e);
  };
  return (
    <div class="quick" role="group" aria-label={t('react')}>
      {quick.map((e) => (
        <button key={e} type="button" role="menuitem" aria-label={t('react.with', { emoji: e })} onClick={() => pick(e)}>
          {e}
        </button>
      ))}
      <button type="button" role="menuitem" class="more" aria-label={t('react.more')} onClick={() => (menuFor.value = { ...open, show: 'emoji' })}>
        +
      </button>
    </div>
  );
}

function entries(m: Message, may: boolean, mayPin: boolean, open: OpenMenu): Entry[] {
  const out: Entry[] = [];
  const c = compose(m.chat);
  const focus = () => requestAnimationFrame(() => document.querySelector<HTMLElement>('.composer textarea')?.focus());
  if (may && settled(m)) {
    out.push({ icon: 'reply', label: t('reply'), run: () => (c.startReply(m), focus()) });
    if (m.own && m.text && !m.forwarded) out.push({ icon: 'edit', label: t('edit'), run: () => (c.startEdit(m), focus()) });
  }
  if (mayPin && settled(m)) {
    out.push({ icon: 'pin', label: m.pinned ? t('unpin') : t('pin'), run: () => void act('pin', { chat: m.chat, message: m.id, on: !m.pinned }) });
  }
  if (settled(m) && !m.poll) out.push({ icon: 'onward', label: t('forward'), run: () => (panel.value = { kind: 'send-on', chat: m.chat, messages: [m.id] }) });
  if (may && m.own && m.poll && !m.poll.closed) out.push({ icon: 'check', label: t('poll.close'), run: () => void act('closePoll', { chat: m.chat, message: m.id }) });
  if (m.text) out.push({ icon: 'copy', label: t('copy'), run: () => void copy(m.text ?? '', 'copy.done') });
  const files = m.files?.filter((f) => f.ref) ?? [];
  if (files.length > 0) out.push({ icon: 'download', label: t('save'), run: () => files.forEach((f) => void saveFile(f)) });
  if (m.own && m.state === 'failed') out.push({ icon: 'retry', label: t('retry'), run: () => void act('retry', { chat: m.chat, message: m.id }) });
  out.push({ icon: 'check', label: t('select'), run: () => (chosen.value = [m.id]) });
  if (m.edits || m.edited) out.push({ icon: 'clock', label: t('edits.title'), run: () => (panel.value = { kind: 'edits', message: m }) });
  if (m.thread) out.push({ icon: 'quote', label: t('thread.title'), run: () => (panel.value = { kind: 'thread', chat: m.chat, root: m.thread!.root || m.id }) });
  if (m.state === 'scheduled') {
    if (m.text) out.push({ icon: 'edit', label: t('edit'), run: () => (c.startEdit(m), focus()) });
    out.push({ icon: 'next', label: t('send.now'), run: () => void act('sendNow', { chat: m.chat, message: m.id }) });
    out.push({ icon: 'trash', label: t('discard'), danger: true, run: () => void act('discard', { chat: m.chat, message: m.id }) });
    return out;
  }
  if (settled(m)) out.push({ icon: 'hidden', label: t('hide.title'), danger: true, run: () => (menuFor.value = { ...open, show: 'hide' }) });
  if (m.own && (m.state === 'failed' || m.state === 'queued')) {
    out.push({ icon: 'trash', label: t('discard'), danger: true, run: () => void act('discard', { chat: m.chat, message: m.id }) });
  } else if (may && m.own && m.kind !== 'deleted') {
    out.push({ icon: 'trash', label: t('delete'), danger: true, run: () => (menuFor.value = { ...open, show: 'delete' }) });
  }
  return out;
}
