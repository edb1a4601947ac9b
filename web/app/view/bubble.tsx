// One message: who, what, and how far it has got.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { plainText } from '../../lib/format';
import { clock, full, list, number, t } from '../../lib/i18n';
import { isShown, isVideo } from '../../lib/image';
import { onlyEmoji } from '../../lib/linkify';
import { placeIn } from '../../lib/place';
import { act, react, summary } from '../act';
import type { Chat, Message, MessageState as State, Reaction } from '../api';
import { chosen, menuFor, panel } from '../state';
import { Attachments } from './attachments';
import { Avatar } from './avatar';
import { Icon, Ticks } from './icons';
import { Later } from './later';
import type { Line } from './lines';
import type { Place } from './menu';
import { usePress } from './press';
import { Text } from './text';

/** Ticks and their words. */
export function MessageState({ state }: { state: State }) {
  if (state === 'received') return null;
  return (
    <span class={`state ${state}`} title={t(`sent.${state}`)}>
      {state === 'queued' || state === 'scheduled' ? <Icon name="clock" /> : state === 'failed' ? <Icon name="alert" /> : <Ticks two={state !== 'sent'} />}
      <span class="sr">{t(`sent.${state}`)}</span>
    </span>
  );
}

type MessageLine = Extract<Line, { kind: 'message' }>;

export function Bubble(p: { line: MessageLine; chat: Chat; onJump(id: string): void }) {
  const { message: m, first, last } = p.line;
  const ref = useRef<HTMLElement>(null);
  const fresh = useRef(Date.now() - m.at < 2000); // only what arrives now slides in
  const picks = chosen.value;
  const picked = picks?.includes(m.id) ?? false;
  const menu = (at: Place) => {
    if (picks) chosen.value = picked ? picks.filter((id) => id !== m.id) : [...picks, m.id];
    else if (m.kind !== 'deleted') menuFor.value = { message: m, at, show: 'menu' };
  };
  const opener = useRef(menu);
  opener.current = menu;
  useEffect(() => {
    const e = ref.current!;
    const asked = (x: Event) => opener.current((x as CustomEvent<Place>).detail);
    e.addEventListener('menu', asked);
    return () => e.removeEventListener('menu', asked);
  }, []);
  const press = usePress(menu, 'a, button');
  const classes = ['row', m.own ? 'own' : 'other', first ? 'first' : '', last ? 'last' : '', fresh.current ? 'fresh' : '', picks ? 'choosing' : '', picked ? 'chosen' : ''].join(' ');
  return (
    <article
      class={classes}
      data-key={p.line.key}
      ref={ref}
      tabIndex={-1}
      aria-label={t('say.row', { who: m.own ? t('you') : m.fromName, text: summary(m), when: clock(m.at) })}
      onContextMenu={(e) => {
        if ((e.target as HTMLElement).closest('a') || getSelection()?.toString()) return; // the browser's own menu
        e.preventDefault();
        menu({ x: e.clientX, y: e.clientY });
      }}
      {...press}
      onClickCapture={(e) => {
        if (!picks) return press.onClickCapture(e);
        e.preventDefault();
        e.stopPropagation();
        menu({ x: 0, y: 0 });
      }}
    >
      {picked ? <span class="sr">{t('chosen')}</span> : null}
      <div class="bubble-line">
        {p.chat.kind === 'group' && !m.own ? <span class="face">{last ? <Avatar id={m.from} name={m.fromName} small /> : null}</span> : null}
        <Body m={m} may={p.chat.state === 'open'} named={p.chat.kind === 'group' && !m.own && first} onJump={p.onJump} />
        {m.kind === 'deleted' ? null : (
          <button
            type="button"
            class="quiet row-more"
            tabIndex={-1}
            aria-label={t('message.menu')}
            onClick={(e) => {
              const r = e.currentTarget.getBoundingClientRect();
              menu({ x: r.left, y: r.bottom });
            }}
          >
            <Icon name="more" />
          </button>
        )}
      </div>
      {m.reactions?.length ? <Reactions m={m} all={m.reactions} /> : null}
      {m.thread?.count ? (
        <button type="button" class="link thread-link" onClick={() => (panel.value = { kind: 'thread', chat: m.chat, root: m.id })}>
          <Icon name="reply" />
          {t('replies', { n: m.thread.count })}
        </button>
      ) : null}
      {m.state === 'failed' ? (
        <div class="failed-line" role="alert">
          <span>{t('sent.failed')}</span>
          <button type="button" class="link" onClick={() => void act('retry', { chat: m.chat, message: m.id })}>
            {t('retry')}
          </button>
          <button type="button" class="link" onClick={() => void act('discard', { chat: m.chat, message: m.id })}>
            {t('discard')}
          </button>
        </div>
      ) : null}
    </article>
  );
}

function Body({ m, may, named, onJump }: { m: Message; may: boolean; named: boolean; onJump(id: string): void }) {
  const meta = <Meta m={m} />;
  const text = m.text ?? '';
  const place = placeIn(text);
  const bare = !text && m.files?.length && m.files.every((f) => isShown(f.mime) || isVideo(f.mime)) ? (m.files[0]!.sticker === undefined ? ' bare' : ' large') : '';
  const large = text && !m.files?.length && !m.replyTo && onlyEmoji(text) ? ' large' : '';
  return (
    <div class={`bubble${m.kind === 'deleted' ? ' deleted' : ''}${bare}${large}`}>
      {named ? (
        <span class="author">
          <bdi>{m.fromName}</bdi>
        </span>
      ) : null}
      {m.replyTo ? (
        <button type="button" class="quote" title={t('quote.jump')} onClick={() => onJump(m.replyTo!.id)}>
          <span class="author">
            <bdi>{m.replyTo.fromName}</bdi>
          </span>
          <span class="quote-text" dir="auto">
            {plainText(m.replyTo.text ?? '') || t('message.file')}
          </span>
        </button>
      ) : null}
      {m.forwarded ? (
        <span class="forwarded">
          {t('forwarded', { who: m.forwarded })}
        </span>
      ) : null}
      {m.files?.length ? <Attachments m={m} /> : null}
      {m.poll ? <Later show={(x) => <x.PollCard m={m} may={may} />} /> : null}
      {m.kind === 'deleted' ? (
        <Block meta={meta}>{t('message.deleted')}</Block>
      ) : place ? (
        <>
          <Later show={(x) => <x.PlaceCard place={place} />} />
          <div class="meta-line">{meta}</div>
        </>
      ) : text ? (
        <Block meta={meta}>
          <Text text={text} mentions={m.mentions} />
        </Block>
      ) : (
        <div class="meta-line">{meta}</div>
      )}
    </div>
  );
}

/** Text with its time in the last line's corner: a hidden copy of the time keeps the room for it. */
function Block(p: { meta: ComponentChildren; children: ComponentChildren }) {
  return (
    <div class="text" dir="auto">
      {p.children}
      <span class="room" aria-hidden="true">
        <bdi>{p.meta}</bdi>
      </span>
      <span class="corner">
        <bdi>{p.meta}</bdi>
      </span>
    </div>
  );
}

function Meta({ m }: { m: Message }) {
  return (
    <span class="meta">
      {m.pinned ? (
        <span class="pinned" title={t('pinned')}>
          <Icon name="pin" />
          <span class="sr">{t('pinned')}</span>
        </span>
      ) : null}
      {m.silent ? (
        <span title={t('silent')}>
          <Icon name="mute" />
          <span class="sr">{t('silent')}</span>
        </span>
      ) : null}
      {m.gone ? (
        <span title={t('gone', { when: full(m.gone) })}>
          <Icon name="timer" />
          <span class="sr">{t('gone', { when: full(m.gone) })}</span>
        </span>
      ) : null}
      {m.edited ? <span>{t('message.edited')}</span> : null}
      <time dateTime={new Date(m.at).toISOString()} title={full(m.at)}>
        {clock(m.at)}
      </time>
      {m.own ? <MessageState state={m.state} /> : null}
    </span>
  );
}

function Reactions({ m, all }: { m: Message; all: readonly Reaction[] }) {
  return (
    <div class="reactions">
      {all.map((r) => {
        const by = r.by ?? [];
        return (
          <button key={r.emoji} type="button" aria-pressed={r.own} title={list(by)} onClick={() => void react(m, r.emoji)}>
            <span>{r.emoji}</span>
            <span class="n">{number(by.length)}</span>
            <span class="sr">{list(by)}</span>
          </button>
        );
      })}
    </div>
  );
}
