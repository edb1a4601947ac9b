// Pages of a group's window: invite links, who waits to come in, who is kept out.
import { useState } from 'preact/hooks';
import { clock, date, daysAgo, number, short, t } from '../../lib/i18n';
import { act, ask, words } from '../act';
import type { Chat, Knock, LinkState, Member } from '../api';
import { knocksStamp } from '../state';
import { Avatar } from '../view/avatar';
import { Confirm } from '../view/dialog';
import { LinkText } from './invite';
import { Choice, Nothing, Problem, QR, Switch, useAsked } from './parts';

const anyNumber = 0;
const uses: readonly number[] = [anyNumber, 1, 10, 100, 1000];
const days: readonly number[] = [1, 7, 30];

export function LinksPage({ chat }: { chat: Chat }) {
  const [stamp, setStamp] = useState(0);
  const [shown, setShown] = useState<LinkState | null>(null);
  const [making, setMaking] = useState(false);
  // Whoever comes in or knocks has used a link, which may be the one that is open.
  const got = useAsked(() => act('getLinks', { chat: chat.id }), [chat.id, stamp, chat.last?.id, chat.knocks, knocksStamp.value]);
  const links = got?.links ?? [];
  const again = () => setStamp((n) => n + 1);
  if (shown) return <OneLink chat={chat} link={links.find((l) => l.id === shown.id) ?? shown} onBack={() => (setShown(null), again())} />;
  return (
    <>
      <p class="dim">{t('links.hint')}</p>
      {making || (got && links.length === 0) ? (
        <MakeLink
          chat={chat}
          onMade={(l) => {
            setMaking(false);
            setShown(l);
          }}
        />
      ) : null}
      <div class="entries">
        {links.map((l) => (
          <button key={l.id} type="button" class="entry" onClick={() => setShown(l)}>
            <span class="grow">
              {l.approve ? t('links.approve') : t('links.open')}
              <span class="dim block">{used(l)}</span>
            </span>
            {l.by ? (
              <span class="dim">
                <bdi>{l.by}</bdi>
              </span>
            ) : null}
          </button>
        ))}
      </div>
      {!making && links.length > 0 ? (
        <div class="buttons start">
          <button type="button" class="primary" onClick={() => setMaking(true)}>
            {t('links.make')}
          </button>
        </div>
      ) : null}
    </>
  );
}

/** How much of a link is left. */
const used = (l: LinkState) => `${l.uses > 0 ? t('links.used', { n: l.used, of: number(l.uses) }) : t('links.used.any', { n: l.used })} · ${t('links.until', { date: date(l.until) })}`;

function MakeLink(p: { chat: Chat; onMade(l: LinkState): void }) {
  const [n, setUses] = useState<number>(anyNumber);
  const [until, setDays] = useState<number>(30);
  const [approve, setApprove] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const make = async () => {
    setBusy(true);
    setProblem('');
    try {
      const made = await ask('groupInvite', { chat: p.chat.id, uses: n, days: until, approve });
      p.onMade({ id: made.id ?? '', link: made.link, uses: made.uses, used: 0, until: made.until, approve });
    } catch (e) {
      setProblem(words(e));
      setBusy(false);
    }
  };
  return (
    <div class="card">
      <Choice<number> label={t('links.for')} value={n} options={uses.map((u) => [u, u === anyNumber ? t('links.any') : t('links.people', { n: u })] as const)} onChange={setUses} />
      <Choice<number> label={t('links.lasts')} value={until} options={days.map((d) => [d, t('span.days', { n: d })] as const)} onChange={setDays} />
      <Switch label={t('links.approve')} hint={t('links.approve.hint')} on={approve} onChange={setApprove} />
      <Problem text={problem} />
      <div class="buttons">
        <button type="button" class="primary" disabled={busy} onClick={() => void make()}>
          {busy ? t('invite.making') : t('links.make')}
        </button>
      </div>
    </div>
  );
}

function OneLink(p: { chat: Chat; link: LinkState; onBack(): void }) {
  const [question, setQuestion] = useState(false);
  const l = p.link;
  const revoke = async () => {
    if (await act('revokeLink', { chat: p.chat.id, link: l.id })) p.onBack();
  };
  return (
    <>
      <QR text={l.link} label={t('links.qr')} />
      <LinkText link={l.link} label={t('links.link')} share={t('links.message', { name: p.chat.name })} />
      <p class="dim center">{used(l)}</p>
      {l.approve ? <p class="dim center">{t('links.approve.hint')}</p> : null}
      <div class="buttons">
        <button type="button" onClick={p.onBack}>
          {t('links.all')}
        </button>
        {l.id ? (
          <button type="button" class="danger" onClick={() => setQuestion(true)}>
            {t('links.revoke')}
          </button>
        ) : null}
      </div>
      {question ? <Confirm title={t('links.revoke')} text={t('links.revoke.text')} yes={t('links.revoke')} danger onClose={() => setQuestion(false)} onYes={() => void revoke()} /> : null}
    </>
  );
}

export function KnocksPage({ chat }: { chat: Chat }) {
  const got = useAsked(() => act('getKnocks', { chat: chat.id }), [chat.id, chat.knocks, knocksStamp.value]);
  const [done, setDone] = useState<readonly string[]>([]);
  const all = (got?.knocks ?? []).filter((k) => !done.includes(k.person));
  const answer = async (k: Knock, yes: boolean) => {
    if (await act('answer', { chat: chat.id, person: k.person, yes })) setDone((d) => [...d, k.person]);
  };
  if (!got) return null;
  if (all.length === 0) return <Nothing icon="door" text={t('knocks.none')} />;
  return (
    <>
      <p class="dim">{t('knocks.hint')}</p>
      <ul class="people">
        {all.map((k) => (
          <li key={k.person} class="person">
            <Avatar id={k.person} name={k.name} small />
            <span class="grow">
              <bdi>{k.name || t('chat.noname')}</bdi>
              <span class="dim block">{daysAgo(k.at) === 0 ? clock(k.at) : short(k.at)}</span>
            </span>
            <button type="button" class="link danger" aria-label={`${t('knocks.no')}: ${k.name}`} onClick={() => void answer(k, false)}>
              {t('knocks.no')}
            </button>
            <button type="button" class="small" aria-label={`${t('knocks.yes')}: ${k.name}`} onClick={() => void answer(k, true)}>
              {t('knocks.yes')}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

export function BannedPage({ chat }: { chat: Chat }) {
  const [stamp, setStamp] = useState(0);
  const got = useAsked(() => act('getMembers', { chat: chat.id, banned: true }), [chat.id, stamp, chat.last?.id]);
  const all: readonly Member[] = got?.members ?? [];
  const unban = async (m: Member) => {
    if (await act('unban', { chat: chat.id, person: m.person })) setStamp((n) => n + 1);
  };
  if (!got) return null;
  if (all.length === 0) return <Nothing icon="block" text={t('banned.none')} />;
  return (
    <>
      <p class="dim">{t('banned.hint')}</p>
      <ul class="people">
        {all.map((m) => (
          <li key={m.person} class="person">
            <Avatar id={m.person} name={m.name} small />
            <span class="grow">
              <bdi>{m.name || t('chat.noname')}</bdi>
            </span>
            <button type="button" class="small" aria-label={`${t('banned.lift')}: ${m.name}`} onClick={() => void unban(m)}>
              {t('banned.lift')}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
