// The box to write in: text, emoji, photos and files; what is replied to or edited; what waits to be sent.
import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { bytes, full, number, t } from '../../lib/i18n';
import { dirFor } from '../../lib/lang';
import { type Named, typedMention } from '../../lib/mention';
import { close, summary } from '../act';
import { type Chat, filesMax } from '../api';
import { type Compose, compose, type Item } from '../compose';
import { panel } from '../state';
import { Icon, SendIcon } from './icons';
import { later, Later } from './later';
import type { Place } from './menu';
import { usePress } from './press';

// The box grows to this height (px), then it scrolls.
const boxHeightMax = 200;

const canRecord = () => typeof MediaRecorder === 'function' && navigator.mediaDevices !== undefined;
const touch = () => matchMedia('(hover: none) and (pointer: coarse)').matches;

export function Composer({ chat }: { chat: Chat }) {
  const c = compose(chat.id);
  const box = useRef<HTMLTextAreaElement>(null);
  const files = useRef<HTMLInputElement>(null);
  const picker = useSignal<Place | null>(null);
  const attaching = useSignal<Place | null>(null);
  const sendMenu = useSignal<Place | null>(null);
  const recording = useSignal<'hold' | 'tap' | null>(null);
  const over = useSignal(false);
  const asking = useSignal<{ at: number; query: string } | null>(null);
  const option = useSignal<string | undefined>(undefined);
  const refused = useRef(-1);
  const pickKeys = useRef<((e: KeyboardEvent) => boolean) | null>(null);
  const wait = useWait(chat);
  const text = c.text.value;
  const voice = recording.value !== null || (!wait && text === '' && c.items.value.length === 0 && !c.edit.value && canRecord());
  const ready = !wait && (text.trim() !== '' || c.items.value.length > 0);

  useLayoutEffect(() => {
    const b = box.current!;
    b.style.blockSize = 'auto';
    b.style.blockSize = `${Math.min(b.scrollHeight, boxHeightMax)}px`;
    b.style.overflowY = b.scrollHeight > boxHeightMax ? 'auto' : 'hidden';
  }, [text]);
  useEffect(() => {
    // A phone's keyboard over half the page is not what opening a chat should do.
    // Nor does it take the focus from another field: after a reload one may be searching before the chat is back.
    if (!touch() && !document.activeElement?.matches('input, textarea')) box.current?.focus();
  }, [chat.id]);
  useEffect(() => dropInto(c, over), [c]);

  const key = (e: KeyboardEvent) => {
    if (e.isComposing || e.keyCode === 229) return; // an input method is still choosing the word
    if ((asking.value && pickKeys.current?.(e)) || later()?.formatKey(e)) return;
    if (e.key === 'Enter' && !e.shiftKey && !e.altKey && (!touch() || e.ctrlKey || e.metaKey)) {
      e.preventDefault();
      if (!wait) void c.submit();
    } else if (e.key === 'ArrowUp' && !e.altKey && text === '' && !c.edit.value) {
      if (c.editLast()) e.preventDefault();
    } else if (e.key === 'Escape') {
      e.stopPropagation();
      if (!c.cancel()) close();
    }
  };
  const paste = (e: ClipboardEvent) => {
    const pasted = e.clipboardData?.files;
    if (!pasted || pasted.length === 0) return;
    e.preventDefault();
    c.add(pasted);
  };
  /** Whether a member's name is being typed, after every change and move of the caret. */
  const look = () => {
    const b = box.current!;
    const found = chat.kind === 'group' && !c.edit.value && b.selectionStart === b.selectionEnd ? typedMention(b.value, b.selectionStart) : null;
    if (found?.at !== refused.current) refused.current = -1;
    else if (found) return; // the choice at this place was closed
    if (found?.at !== asking.value?.at || found?.query !== asking.value?.query) asking.value = found;
  };
  const refuse = () => {
    refused.current = asking.value?.at ?? -1;
    asking.value = null;
  };
  const pick = (who: Named) => {
    const b = box.current!;
    const caret = c.mention(who, asking.value!.at, b.selectionStart);
    refuse(); // the name stands: the key that chose, coming up, does not ask again, or Enter would choose for ever
    b.value = c.text.value;
    b.focus();
    b.setSelectionRange(caret, caret);
  };
  const insert = (emoji: string) => {
    const b = box.current!;
    const at = b.selectionStart;
    c.write(text.slice(0, at) + emoji + text.slice(b.selectionEnd));
    requestAnimationFrame(() => b.setSelectionRange(at + emoji.length, at + emoji.length));
  };
  const press = usePress((at) => {
    if (ready && !c.edit.value) sendMenu.value = at;
  });
  const choose = (accept: string) => {
    const f = files.current!;
    f.accept = accept;
    f.click();
  };
  const record = (hold: boolean) => {
    recording.value ??= hold && later() ? 'hold' : 'tap'; // the finger may be gone before the recorder is here
  };

  return (
    <div class="composer">
      {over.value ? <div class="drop">{t('drop')}</div> : null}
      <Above c={c} />
      <Tray c={c} />
      {wait ? (
        <p class="wait" id="wait">
          {wait}
        </p>
      ) : null}
      {asking.value ? <Later show={(x) => <x.Pick chat={chat} query={asking.value!.query} keys={pickKeys} onPick={pick} onActive={(id) => (option.value = id)} onClose={refuse} />} /> : null}
      <Later show={(x) => <x.FormatBar box={box} />} />
      <form
        class="compose-line"
        onSubmit={(e) => {
          e.preventDefault();
          if (!wait) void c.submit();
          box.current?.focus();
        }}
      >
        <input
          ref={files}
          type="file"
          multiple
          hidden
          aria-label={t('attach')}
          onChange={(e) => {
            c.add(e.currentTarget.files ?? []);
            e.currentTarget.value = '';
            box.current?.focus();
          }}
        />
        <button
          type="button"
          class="quiet"
          aria-label={t('attach')}
          title={t('attach')}
          aria-haspopup="menu"
          disabled={c.edit.value !== null}
          onClick={(e) => {
            const r = e.currentTarget.getBoundingClientRect();
            if (later()) attaching.value = { x: r.left, y: r.top - 4 };
            else choose('');
          }}
        >
          <Icon name="attach" />
        </button>
        <div class="box">
          <textarea ref={box} rows={1} dir={dirFor(text)} value={text} aria-label={t('write')} placeholder={t('write')} enterkeyhint={touch() ? 'enter' : 'send'} aria-describedby={wait ? 'wait' : undefined} aria-controls={option.value ? 'mentions' : undefined} aria-activedescendant={option.value} onInput={(e) => (c.write(e.currentTarget.value), look())} onKeyUp={look} onClick={look} onBlur={() => (asking.value = null)} onKeyDown={key} onPaste={paste} />
          <button
            type="button"
            class="quiet"
            aria-label={t('emoji')}
            title={t('emoji')}
            aria-haspopup="dialog"
            onClick={(e) => {
              const r = e.currentTarget.getBoundingClientRect();
              picker.value = { x: r.left - 160, y: r.top - 4 };
            }}
          >
            <Icon name="smile" />
          </button>
        </div>
        {voice ? (
          <button type="button" class="send mic" aria-label={t('voice.record')} title={t('voice.record')} onContextMenu={(e) => e.preventDefault()} onPointerDown={(e) => e.button === 0 && record(true)} onClick={(e) => e.detail === 0 && record(false)}>
            <Icon name="mic" />
          </button>
        ) : (
        <button
          class="send"
          onContextMenu={(e) => {
            e.preventDefault();
            const r = e.currentTarget.getBoundingClientRect();
            if (!c.edit.value) sendMenu.value = { x: r.left, y: r.top - 4 };
          }}
          {...press}
          aria-label={c.edit.value ? t('edit.save') : t('send')} title={c.edit.value ? t('edit.save') : t('send')} disabled={!ready || c.sending.value}>
          {c.edit.value ? <Icon name="check" /> : <SendIcon />}
        </button>
        )}
        {recording.value ? (
          <Later
            show={(x) => (
              <x.Recorder
                chat={chat.id}
                hold={recording.value === 'hold'}
                onEnd={() => {
                  recording.value = null;
                  if (!touch()) box.current?.focus();
                }}
              />
            )}
          />
        ) : null}
      </form>
      {sendMenu.value ? <Later show={(x) => <x.SendMenu into={c} at={sendMenu.value!} onClose={() => (sendMenu.value = null)} />} /> : null}
      {attaching.value ? <Later show={(x) => <x.AttachMenu chat={chat} at={attaching.value!} choose={choose} onClose={() => (attaching.value = null)} />} /> : null}
      {picker.value ? (
        <Later
          show={(x) => (
            <x.EmojiPicker
              at={picker.value!}
              onPick={insert}
              onClose={() => {
                picker.value = null;
                box.current?.focus();
              }}
            />
          )}
        />
      ) : null}
    </div>
  );
}

/** Why one may not post yet, with the time that is left, counting down; null when one may. */
function useWait(chat: Chat): string | null {
  const [, tick] = useState(0);
  const left = Math.ceil(((chat.postAt ?? 0) - Date.now()) / 1000);
  useEffect(() => {
    if (left <= 0) return;
    const timer = setTimeout(() => tick((n) => n + 1), left > 3600 ? 60_000 : 1000 - (Date.now() % 1000) + 5);
    return () => clearTimeout(timer);
  });
  if (left <= 0) return null;
  const time = left >= 3600 ? full(chat.postAt!) : `${number(Math.floor(left / 60))}:${number(left % 60).padStart(2, number(0))}`;
  // Slow mode never makes one wait longer than its own span.
  return left <= (chat.rules?.slow ?? 0) ? t('wait.slow', { time }) : t('wait.newcomer', { time });
}

/** What is replied to or edited. */
function Above({ c }: { c: Compose }) {
  const m = c.edit.value ?? c.reply.value;
  if (!m) return null;
  const edit = c.edit.value !== null;
  return (
    <div class="above">
      <Icon name={edit ? 'edit' : 'reply'} />
      <div class="above-lines">
        <span class="author">{edit ? t('edit.title') : m.own ? t('you') : <bdi>{m.fromName}</bdi>}</span>
        <span class="quote-text" dir="auto">
          {summary(m)}
        </span>
      </div>
      <button type="button" class="quiet" aria-label={t('cancel')} onClick={() => c.cancel()}>
        <Icon name="close" />
      </button>
    </div>
  );
}

/** Files that go along with the message. */
function Tray({ c }: { c: Compose }) {
  const items = c.items.value;
  if (items.length === 0) return null;
  return (
    <div class="tray">
      <ul aria-label={t('tray')}>
        {items.map((i) => (
          <TrayItem key={i.key} c={c} item={i} />
        ))}
      </ul>
      {items.some((i) => i.asIs.value) ? <p class="dim">{t('tray.asis')}</p> : null}
      {items
        .filter((i) => i.refused.value)
        .map((i) => (
          <p key={i.key} class="problem refused" role="alert">
            <span>{t('tray.refused.name', { name: i.name })}</span>
            <button type="button" class="link" onClick={() => c.anyway(i)}>
              {t('tray.anyway')}
            </button>
          </p>
        ))}
    </div>
  );
}

function TrayItem({ c, item }: { c: Compose; item: Item }) {
  const shown = item.url !== null && !item.asIs.value && !item.refused.value;
  return (
    <li class={item.busy.value ? 'tray-item busy' : 'tray-item'}>
      {shown ? (
        <button type="button" class="tray-edit" aria-label={t('tray.edit', { name: item.name })} title={t('tray.edit', { name: item.name })} onClick={() => (panel.value = { kind: 'edit-photo', edit: item, into: c })}>
          <img src={item.url!} alt="" />
        </button>
      ) : (
        <>
          <Icon name="file" />
          <bdi class="file-name">{item.name}</bdi>
          <span class="size">{bytes(item.file.size)}</span>
        </>
      )}
      <button type="button" class="quiet" aria-label={t('tray.remove', { name: item.name })} onClick={() => c.remove(item)}>
        <Icon name="close" />
      </button>
    </li>
  );
}

/** Files dropped anywhere on the page go into the open chat's box. */
function dropInto(c: Compose, over: { value: boolean }): () => void {
  const has = (e: DragEvent) => e.dataTransfer?.types.includes('Files') ?? false;
  const drag = (e: DragEvent) => {
    if (!has(e)) return;
    e.preventDefault();
    over.value = true;
  };
  const leave = (e: DragEvent) => {
    if (e.relatedTarget === null) over.value = false;
  };
  const drop = (e: DragEvent) => {
    if (!has(e)) return;
    e.preventDefault();
    over.value = false;
    const entries = [...(e.dataTransfer?.items ?? [])].map((i) => i.webkitGetAsEntry?.()).filter((x) => x != null);
    if (entries.some((x) => x.isDirectory)) void import('../../lib/drop').then(async (m) => c.add(await m.filesIn(entries, filesMax + 1)));
    else c.add(e.dataTransfer?.files ?? []);
  };
  addEventListener('dragover', drag);
  addEventListener('dragleave', leave);
  addEventListener('drop', drop);
  return () => {
    removeEventListener('dragover', drag);
    removeEventListener('dragleave', leave);
    removeEventListener('drop', drop);
  };
}
