// Who is in a group, up to thousands: pages of them are asked for as they come into view.
import { useRef, useState } from 'preact/hooks';
import { t } from '../../lib/i18n';
import { dirFor } from '../../lib/lang';
import { Tall } from '../../lib/tall';
import { act, ask, fail, open } from '../act';
import type { Chat, Member } from '../api';
import { Avatar } from '../view/avatar';
import { Confirm } from '../view/dialog';
import { Icon, type IconName } from '../view/icons';
import { type Entry, Menu, type Place } from '../view/menu';
import { closePanel } from './parts';
import { type Act, acts, inside, roleOf } from '../roles';

// Members asked for at a time.
const pageMembers = 100;
// From this many on there is a field to search.
const searchFrom = 8;

interface Held {
  readonly key: string;
  readonly pages: Map<number, readonly Member[]>;
  readonly asked: Set<number>;
  total: number | null;
}

/** The members that fit a query, as far as they were needed. stamp changes when they may be others. */
function useMembers(chat: string, query: string, stamp: string) {
  const [, again] = useState(0);
  const held = useRef<Held>({ key: '', pages: new Map(), asked: new Set(), total: null });
  const key = `${chat}\n${query}\n${stamp}`;
  if (held.current.key !== key) {
    const h = held.current;
    // What was shown stays until the new answer is here: nothing blinks.
    held.current = { key, pages: h.key.startsWith(`${chat}\n${query}\n`) ? h.pages : new Map(), asked: new Set(), total: h.total };
  }
  const need = async (page: number) => {
    const h = held.current;
    if (h.asked.has(page)) return;
    h.asked.add(page);
    try {
      const r = await ask('getMembers', { chat, query, offset: page * pageMembers, limit: pageMembers });
      if (held.current !== h) return;
      h.pages.set(page, r.members ?? []);
      h.total = r.total;
      again((n) => n + 1);
    } catch (e) {
      fail(e);
    }
  };
  return {
    total: held.current.total,
    at: (i: number): Member | undefined => held.current.pages.get(Math.floor(i / pageMembers))?.[i % pageMembers],
    show(first: number, last: number) {
      for (let p = Math.floor(first / pageMembers); p <= Math.floor(Math.max(first, last - 1) / pageMembers); p++) void need(p);
    },
  };
}

export function Members({ chat }: { chat: Chat }) {
  const [query, setQuery] = useState('');
  const [menu, setMenu] = useState<{ member: Member; at: Place } | null>(null);
  const [question, setQuestion] = useState<{ member: Member; act: Act } | null>(null);
  const [done, setDone] = useState(0); // what was done here
  const members = useMembers(chat.id, query.trim(), `${chat.members} ${chat.role ?? ''} ${chat.last?.id ?? ''} ${done}`);
  const own = inside(chat) ? roleOf(chat) : 'member';
  const total = members.total ?? chat.members;
  return (
    <section class="members">
      <h3>{t('members', { n: chat.members })}</h3>
      {chat.members >= searchFrom ? (
        <div class="search">
          <Icon name="search" />
          <input type="search" value={query} placeholder={t('members.search')} aria-label={t('members.search')} dir={dirFor(query)} autocomplete="off" onInput={(e) => setQuery(e.currentTarget.value)} />
        </div>
      ) : null}
      <Tall
        label={t('members', { n: chat.members })}
        total={total}
        row={3.5}
        onShow={members.show}
        render={(i, tab) => {
          const m = members.at(i);
          if (!m) return <span class="person blank" aria-hidden="true" />;
          return <MemberRow member={m} tab={tab} idle={entries(chat, own, m, () => undefined).length === 0} onMenu={(at) => setMenu({ member: m, at })} />;
        }}
      />
      {query && members.total === 0 ? (
        <p class="hint" role="status">
          {t('search.none')}
        </p>
      ) : null}
      {menu ? <Menu at={menu.at} label={menu.member.name} entries={entries(chat, own, menu.member, (a) => setQuestion({ member: menu.member, act: a }))} onClose={() => setMenu(null)} /> : null}
      {question ? <Question chat={chat} member={question.member} what={question.act} onDone={() => setDone((n) => n + 1)} onClose={() => setQuestion(null)} /> : null}
    </section>
  );
}

export function MemberRow(p: { member: Member; tab: number; idle: boolean; onMenu(at: Place): void }) {
  const m = p.member;
  const role = m.role ?? (m.admin ? 'admin' : 'member');
  const body = (
    <>
      <Avatar id={m.person} name={m.name} small />
      <span class="grow member-name">
        <bdi class="clip">{m.name || t('chat.noname')}</bdi>
        {m.own ? <span class="dim"> ({t('you')})</span> : null}
      </span>
      {role === 'member' ? null : <span class={`tag ${role}`}>{t(`role.${role}`)}</span>}
    </>
  );
  if (p.idle) {
    return (
      <span class="person" tabIndex={p.tab}>
        {body}
      </span>
    );
  }
  const show = (e: MouseEvent) => {
    const r = (e.currentTarget as HTMLElement).getBoundingClientRect();
    // By the keyboard there is no place of the pointer.
    p.onMenu(e.detail === 0 ? { x: r.left + 48, y: r.bottom } : { x: e.clientX, y: e.clientY });
  };
  return (
    <button type="button" class="person" tabIndex={p.tab} aria-haspopup="menu" onClick={show} onContextMenu={(e) => (e.preventDefault(), show(e))}>
      {body}
    </button>
  );
}

const icons: Record<Act, IconName> = { owner: 'crown', admin: 'shield', member: 'person', remove: 'leave', ban: 'block', erase: 'trash' };

function entries(chat: Chat, own: Parameters<typeof acts>[0], m: Member, choose: (a: Act) => void): Entry[] {
  const out: Entry[] = [];
  if (m.chat && !m.own) {
    const other = m.chat;
    out.push({ icon: 'reply', label: t('group.write'), run: () => (closePanel(), void open(other)) });
  }
  for (const a of inside(chat) ? acts(own, m) : []) {
    out.push({ icon: icons[a], label: label(a, m), danger: a === 'remove' || a === 'ban' || a === 'erase', run: () => choose(a) });
  }
  return out;
}

/** Taking a role away has other words than giving one. */
function label(a: Act, m: Member): string {
  if (a === 'member') return t('role.take.admin');
  if (a === 'admin') return m.role === 'owner' ? t('role.take.owner') : t('role.make.admin');
  return a === 'owner' ? t('role.make.owner') : t(`member.${a}`);
}

function Question(p: { chat: Chat; member: Member; what: Act; onDone(): void; onClose(): void }) {
  const { member: m, what } = p;
  const of = { chat: p.chat.id, person: m.person };
  const name = m.name || t('chat.noname');
  const harsh = what === 'remove' || what === 'ban' || what === 'erase';
  const text = harsh ? t(`member.${what}.text`, { name }) : what === 'owner' ? t('role.make.owner.text', { name }) : m.own ? t('role.take.own') : what === 'admin' && m.role !== 'owner' ? t('role.make.admin.text', { name }) : t('role.take.text', { name });
  const work = () => (harsh ? act('removeMember', { ...of, ...(what === 'remove' ? {} : { ban: true }), ...(what === 'erase' ? { erase: true } : {}) }) : act('setRole', { ...of, role: what as 'owner' | 'admin' | 'member' }));
  const yes = () => void work().then(p.onDone);
  return <Confirm title={label(what, m)} text={text} yes={harsh ? t(`member.${what}`) : t('yes')} danger={harsh} onClose={p.onClose} onYes={yes} />;
}
