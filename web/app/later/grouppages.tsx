// Pages of a group's window: its name and picture, adding people, its rules, moving it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../../lib/i18n';
import { dirFor } from '../../lib/lang';
import { act, ask, setGroup, words } from '../act';
import { aboutBytesMax, type Chat, type Member, type Rules } from '../api';
import { contacts, servers } from '../state';
import { Confirm } from '../view/dialog';
import { Choose, PictureField } from './newgroup';
import { Choice, host, Note, Problem, Switch } from './parts';
import { rulesOf } from '../roles';
import { span } from './rules';

interface Props {
  chat: Chat;
  onDone(): void;
}

export function EditPage({ chat, onDone }: Props) {
  const [name, setName] = useState(chat.name);
  const [about, setAbout] = useState(chat.about ?? '');
  const [image, setImage] = useState<Blob | null>(null);
  const [problem, setProblem] = useState('');
  const submit = async (e: Event) => {
    e.preventDefault();
    if (!name.trim()) return setProblem(t('group.name.missing'));
    if (new TextEncoder().encode(about.trim()).length > aboutBytesMax) return setProblem(t('group.about.long'));
    const renamed = name.trim() === chat.name ? '' : name.trim();
    const changed = about.trim() === (chat.about ?? '') ? undefined : about.trim();
    if ((!renamed && !image && changed === undefined) || (await setGroup(chat.id, renamed, image, changed))) onDone();
  };
  return (
    <form onSubmit={submit} noValidate>
      <div class="group-head">
        <PictureField image={image} onPick={setImage} name={name} id={chat.id} picture={chat.picture} />
        <div class="grow">
          <label for="group-name">{t('group.name')}</label>
          <input id="group-name" value={name} dir={dirFor(name)} autocomplete="off" onInput={(e) => setName(e.currentTarget.value)} />
        </div>
      </div>
      <label for="group-about">{t('group.about')}</label>
      <textarea id="group-about" class="about-field" rows={4} dir={dirFor(about)} value={about} placeholder={t('group.about.hint')} onInput={(e) => setAbout(e.currentTarget.value)} />
      <Problem text={problem} />
      <div class="buttons">
        <button type="button" onClick={onDone}>
          {t('cancel')}
        </button>
        <button class="primary">{t('save.changes')}</button>
      </div>
    </form>
  );
}

export function AddPage({ chat, onDone }: Props) {
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [inside, setInside] = useState<readonly Member[] | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    // Whom one has a chat with, among the members: the core knows both.
    void act('getMembers', { chat: chat.id }).then((r) => setInside(r?.members ?? []));
  }, [chat.id, chat.members]);
  if (!inside) return null;
  const there = new Set(inside.map((m) => m.person));
  const free = contacts.value.filter((c) => !c.person || !there.has(c.person));
  const submit = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    if (await act('addMembers', { chat: chat.id, members: [...chosen] })) onDone();
    else setBusy(false);
  };
  return (
    <form onSubmit={submit}>
      {free.length > 0 ? <Choose chats={free} chosen={chosen} onChange={setChosen} /> : <p>{t('group.add.none')}</p>}
      <Note>{t(`history.hint.${historyKind(rulesOf(chat))}`)}</Note>
      <div class="buttons">
        <button type="button" onClick={onDone}>
          {t('cancel')}
        </button>
        <button class="primary" disabled={chosen.length === 0 || busy}>
          {t('group.add')}
        </button>
      </div>
    </form>
  );
}

const historyKind = (r: Rules) => (r.history === 0 ? 'none' : r.history < 0 ? 'all' : 'some');

const slows = [0, 10, 30, 60, 300, 900, 3600] as const;
const waits = [0, 1, 6, 24, 72, 168] as const;
const histories = [0, 1, 7, 30, -1] as const;

/** The given values, and the one that is in force when it is none of them. */
const withNow = (all: readonly number[], now: number) => (all.includes(now) ? all : [...all, now]);

export function RulesPage({ chat, onDone }: Props) {
  const [r, setRules] = useState<Rules>(rulesOf(chat));
  const [busy, setBusy] = useState(false);
  const set = (d: Partial<Rules>) => setRules({ ...r, ...d });
  const save = async () => {
    setBusy(true);
    if (await act('setGroup', { chat: chat.id, rules: r })) onDone();
    else setBusy(false);
  };
  const who = [['admins', t('rules.admins')], ['members', t('rules.everybody')]] as const;
  return (
    <>
      <Switch label={t('rules.quiet')} hint={t('rules.quiet.hint')} on={r.quiet ?? false} onChange={(quiet) => set({ quiet })} />
      <Choice label={t('rules.slow')} hint={t('rules.slow.hint')} value={r.slow ?? 0} options={withNow(slows, r.slow ?? 0).map((n) => [n, n === 0 ? t('rules.off') : span(n)] as const)} onChange={(slow) => set({ slow })} />
      <Choice label={t('rules.quarantine')} hint={t('rules.quarantine.hint')} value={r.quarantine ?? 0} options={withNow(waits, r.quarantine ?? 0).map((n) => [n, n === 0 ? t('rules.at.once') : t('rules.after', { span: span(n * 3600) })] as const)} onChange={(quarantine) => set({ quarantine })} />
      <Choice label={t('rules.history')} hint={t('rules.history.hint')} value={r.history} options={withNow(histories, r.history).map((n) => [n, n === 0 ? t('rules.history.none') : n < 0 ? t('rules.history.all') : t('rules.history.days', { n })] as const)} onChange={(history) => set({ history })} />
      <Choice label={t('rules.adders')} value={r.adders === 'members' ? 'members' : 'admins'} options={who} onChange={(adders) => set({ adders })} />
      <Choice label={t('rules.changers')} value={r.changers === 'members' ? 'members' : 'admins'} options={who} onChange={(changers) => set({ changers })} />
      <Note>{t('rules.note')}</Note>
      <div class="buttons">
        <button type="button" onClick={onDone}>
          {t('cancel')}
        </button>
        <button type="button" class="primary" disabled={busy} onClick={() => void save()}>
          {t('save.changes')}
        </button>
      </div>
    </>
  );
}

/** To another server. Everybody follows by themselves. */
export function MovePage({ chat, onDone }: Props) {
  const here = chat.origin ?? servers.value.find((s) => s.home)?.origin;
  const [question, setQuestion] = useState<string | null>(null);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const alive = useRef(true);
  useEffect(() => () => void (alive.current = false), []);
  const move = async (origin: string) => {
    setBusy(true);
    setProblem('');
    try {
      await ask('moveChat', { chat: chat.id, origin });
      if (alive.current) onDone();
    } catch (e) {
      setProblem(words(e));
    }
    setBusy(false);
  };
  return (
    <>
      <p>{t('move.hint')}</p>
      <div class="entries">
        {servers.value
          .filter((s) => s.member || s.origin === here)
          .map((s) => (
            <div key={s.origin} class="line">
              <span class="grow">
                <bdi dir="ltr">{host(s.origin)}</bdi>
                <span class="dim block">{s.origin === here ? t('move.here') : s.online ? t('move.ready') : t('move.away')}</span>
              </span>
              {s.origin === here ? null : (
                <button type="button" disabled={busy || !s.online} onClick={() => setQuestion(s.origin)}>
                  {t('move.go')}
                </button>
              )}
            </div>
          ))}
      </div>
      <Problem text={problem} />
      {question ? <Confirm title={t('move')} text={t('move.text', { server: host(question) })} yes={t('move.go')} onClose={() => setQuestion(null)} onYes={() => void move(question)} /> : null}
    </>
  );
}
