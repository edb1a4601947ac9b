// Finding messages: in all chats or in one, by words, person, kind and date.
import { useEffect, useRef, useState } from 'preact/hooks';
import { fromLocalDay } from '../../lib/days';
import { full, short, t } from '../../lib/i18n';
import { dirFor } from '../../lib/lang';
import { act, ask, chatName, fail, open, summary } from '../act';
import type { Chat, Hit, Member, Search } from '../api';
import { chatOf, contacts, goal } from '../state';
import { ChatAvatar } from '../view/avatar';
import { Dialog } from '../view/dialog';
import { Icon } from '../view/icons';
import { closePanel } from './parts';

// So long (ms) after the last key a search begins; so many hits are asked for at a time; so much of a text stands before a hit.
const delay = 120;
const pageHits = 30;
const beforeChars = 24;
const membersMax = 200;

const kinds = ['', 'photo', 'video', 'voice', 'file', 'link'] as const;

/** The hits of a question, newest first, and how to get more. A new question forgets the old one's. */
function useHits(q: Search | null): { hits: readonly Hit[]; busy: boolean; more: (() => void) | null } {
  const [state, set] = useState<{ hits: readonly Hit[]; busy: boolean; next: string }>({ hits: [], busy: false, next: '' });
  const run = useRef(0);
  const look = async (id: number, args: Search, had: readonly Hit[], cursor: string) => {
    let hits = had;
    let next = cursor;
    try {
      do {
        const r = await ask('search', { ...args, limit: pageHits, ...(next ? { cursor: next } : {}) });
        if (run.current !== id) return;
        hits = [...hits, ...(r.hits ?? [])];
        next = r.next ?? '';
        set({ hits, busy: next !== '' && hits.length < had.length + pageHits, next });
      } while (next !== '' && hits.length < had.length + pageHits);
    } catch (e) {
      if (run.current !== id) return;
      fail(e);
      set({ hits, busy: false, next: '' });
    }
  };
  const key = JSON.stringify(q);
  useEffect(() => {
    const id = ++run.current;
    if (!q) {
      set({ hits: [], busy: false, next: '' });
      return;
    }
    set((s) => ({ ...s, busy: true }));
    const timer = setTimeout(() => void look(id, q, [], ''), delay);
    return () => {
      clearTimeout(timer);
      run.current++;
    };
  }, [key]);
  return { hits: state.hits, busy: state.busy, more: state.next && !state.busy && q ? () => (set((s) => ({ ...s, busy: true })), void look(run.current, q, state.hits, state.next)) : null };
}

export async function goTo(chat: string, message: string, index: number): Promise<void> {
  await open(chat);
  goal.value = { chat, message, index };
}

function Found({ hits, busy, more, onGo }: ReturnType<typeof useHits> & { onGo(): void }) {
  return (
    <>
      <ul class="hits">
        {hits.map((h) => {
          const m = h.message;
          const c = chatOf(m.chat);
          if (!c) return null;
          return (
            <li key={m.chat + m.id}>
              <button
                type="button"
                class="chat-item"
                onClick={() => {
                  onGo();
                  void goTo(m.chat, m.id, m.index);
                }}
              >
                <ChatAvatar chat={c} small />
                <span class="chat-lines">
                  <span class="chat-top">
                    <span class="chat-name">
                      <bdi class="clip">{chatName(c)}</bdi>
                    </span>
                    <time dateTime={new Date(m.at).toISOString()} title={full(m.at)}>
                      {short(m.at)}
                    </time>
                  </span>
                  <span class="chat-bottom">
                    <span class="chat-last">
                      {c.kind === 'group' || m.own ? <span class="who">{m.own ? t('you') : <bdi>{m.fromName}</bdi>}:</span> : null}
                      <Snippet hit={h} />
                    </span>
                  </span>
                </span>
              </button>
            </li>
          );
        })}
      </ul>
      {more ? (
        <button type="button" class="link block center" onClick={more}>
          {t('search.more')}
        </button>
      ) : null}
      <p class="dim center" role="status">
        {busy ? t('search.busy') : hits.length === 0 ? t('search.none') : ''}
      </p>
    </>
  );
}

/** The place in the text, with the found word marked. A hidden word stays hidden. */
function Snippet({ hit }: { hit: Hit }) {
  const text = hit.message.text ?? '';
  if (hit.length === 0 || hit.start + hit.length > text.length || text.includes('||')) return <bdi class="clip">{summary(hit.message)}</bdi>;
  const from = hit.start <= beforeChars ? 0 : text.lastIndexOf(' ', hit.start - beforeChars / 2) + 1;
  return (
    <bdi class="clip">
      {from > 0 ? '… ' : ''}
      {text.slice(from, hit.start)}
      <mark>{text.slice(hit.start, hit.start + hit.length)}</mark>
      {text.slice(hit.start + hit.length, hit.start + 200)}
    </bdi>
  );
}

/** Below the chats that a search of the list finds: messages. */
export function FoundMessages({ query, onGo }: { query: string; onGo(): void }) {
  const found = useHits(query.trim() ? { query: query.trim() } : null);
  return (
    <section class="found" aria-label={t('search.messages')}>
      <h2>{t('search.messages')}</h2>
      <Found {...found} onGo={onGo} />
    </section>
  );
}

export function SearchPanel({ chat, query: first }: { chat?: string | undefined; query?: string | undefined }) {
  const here: Chat | null = chat ? chatOf(chat) : null;
  const [query, setQuery] = useState(first ?? '');
  const [kind, setKind] = useState<(typeof kinds)[number]>('');
  const [from, setFrom] = useState('');
  const [after, setAfter] = useState('');
  const [before, setBefore] = useState('');
  const [people, setPeople] = useState<readonly { person: string; name: string }[]>([]);
  useEffect(() => {
    if (here?.kind === 'group') void act('getMembers', { chat: here.id, limit: membersMax }).then((r) => r && setPeople((r.members ?? []) as Member[]));
    else if (!here) setPeople(contacts.value.flatMap((c) => (c.person ? [{ person: c.person, name: chatName(c) }] : [])));
  }, [chat]);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const a = fromLocalDay(after);
  const b = fromLocalDay(before, 1);
  const words = query.trim();
  const q: Search | null = words || kind || from || a !== null || b !== null ? { ...(words ? { query: words } : {}), ...(chat ? { chat } : {}), ...(kind ? { kind } : {}), ...(from ? { from } : {}), ...(a !== null ? { after: a } : {}), ...(b !== null ? { before: b } : {}) } : null;
  const found = useHits(q);
  const jump = async () => {
    if (!chat || a === null) return;
    const r = await act('dayIndex', { chat, day: a });
    if (!r) return;
    const page = await act('messages', { chat, before: r.index + 1, limit: 1 });
    const m = page?.messages?.at(-1);
    closePanel();
    if (m) goal.value = { chat, message: m.id, index: m.index };
  };
  return (
    <Dialog title={here ? t('search.here') : t('search.messages')} onClose={closePanel} class="tall">
      <input type="search" value={query} placeholder={t('search.words')} aria-label={t('search.words')} dir={dirFor(query)} autocomplete="off" ref={field} onInput={(e) => setQuery(e.currentTarget.value)} />
      <div class="segments kinds" role="group" aria-label={t('search.kind')}>
        {kinds.map((k) => (
          <label key={k}>
            <input type="radio" name="search-kind" checked={kind === k} onChange={() => setKind(k)} />
            <span>{t(`kind.${k || 'all'}`)}</span>
          </label>
        ))}
      </div>
      <div class="filters">
        {people.length > 0 ? (
          <label>
            {t('search.from')}
            <select value={from} onChange={(e) => setFrom(e.currentTarget.value)}>
              <option value="">{t('search.anyone')}</option>
              {people.map((p) => (
                <option key={p.person} value={p.person}>
                  {p.name}
                </option>
              ))}
            </select>
          </label>
        ) : null}
        <label>
          {t('search.after')}
          <input type="date" value={after} onInput={(e) => setAfter(e.currentTarget.value)} />
        </label>
        <label>
          {t('search.before')}
          <input type="date" value={before} onInput={(e) => setBefore(e.currentTarget.value)} />
        </label>
        {chat && a !== null ? (
          <button type="button" onClick={() => void jump()}>
            <Icon name="clock" />
            {t('search.jump')}
          </button>
        ) : null}
      </div>
      {q ? <Found {...found} onGo={closePanel} /> : null}
    </Dialog>
  );
}
