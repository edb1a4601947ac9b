// Windows about single messages: what answers one, what it said before, when one is to be sent.
import { useEffect, useState } from 'preact/hooks';
import { localTime } from '../../lib/days';
import { clock, full, t } from '../../lib/i18n';
import { dirFor } from '../../lib/lang';
import { act, ask, fail, send } from '../act';
import { type EditState, type Message, scheduleDaysMax } from '../api';
import type { Compose } from '../compose';
import { chatOf, goal, panel } from '../state';
import { thread } from '../thread';
import { Bubble } from '../view/bubble';
import { Dialog } from '../view/dialog';
import { SendIcon } from '../view/icons';
import { lines } from '../view/lines';
import { Menu, type Place } from '../view/menu';
import { Text } from '../view/text';
import { closePanel, Problem } from './parts';

const threadMax = 500;

/** All that answers a message, below it, and a box to answer it once more. */
export function ThreadPanel({ chat: id, root }: { chat: string; root: string }) {
  const chat = chatOf(id);
  const [all, set] = useState<readonly Message[]>([]);
  const [text, setText] = useState('');
  const stamp = thread(id).messages.value; // whatever changes in the chat may have changed here
  useEffect(() => {
    let late = false;
    ask('messages', { chat: id, thread: root, limit: threadMax }).then((r) => late || set(r.messages ?? []), fail);
    return () => void (late = true);
  }, [id, root, stamp]);
  if (!chat) return null;
  const submit = async (e: Event) => {
    e.preventDefault();
    const s = text.trim();
    if (s && (await send(id, s, root, [], []))) setText('');
  };
  const jump = (message: string) => {
    closePanel();
    goal.value = { chat: id, message };
  };
  return (
    <Dialog title={t('thread.title')} onClose={closePanel} class="tall thread">
      <div class="rows" role="log" aria-label={t('thread.title')}>
        {lines(all, null).map((r) => (r.kind === 'message' ? <Bubble key={r.key} line={r} chat={chat} onJump={jump} /> : null))}
      </div>
      {chat.state === 'open' && (!chat.rules?.quiet || chat.admin) ? (
        <form class="compose-line" onSubmit={submit}>
          <input value={text} dir={dirFor(text)} aria-label={t('thread.write')} placeholder={t('thread.write')} autocomplete="off" onInput={(e) => setText(e.currentTarget.value)} />
          <button class="send" aria-label={t('send')} disabled={!text.trim()}>
            <SendIcon />
          </button>
        </form>
      ) : null}
    </Dialog>
  );
}

/** What an edited message said before. */
export function EditsPanel({ message: m }: { message: Message }) {
  const [all, set] = useState<readonly EditState[]>([]);
  useEffect(() => void ask('getEdits', { chat: m.chat, message: m.id }).then((r) => set(r.edits ?? []), fail), []);
  return (
    <Dialog title={t('edits.title')} onClose={closePanel}>
      <ol class="edits">
        {all.toReversed().map((e, i) => (
          <li key={i}>
            <time class="dim" dateTime={new Date(e.at).toISOString()}>
              {i === 0 ? t('edits.now', { when: full(e.at) }) : full(e.at)}
            </time>
            <div class="text" dir="auto">
              <Text text={e.text} />
            </div>
          </li>
        ))}
      </ol>
    </Dialog>
  );
}

/** How else a message can be sent. */
export function SendMenu({ into, at, onClose }: { into: Compose; at: Place; onClose(): void }) {
  return (
    <Menu
      at={at}
      label={t('send')}
      onClose={onClose}
      entries={[
        { icon: 'mute', label: t('send.silent'), run: () => void into.submit({ silent: true }) },
        { icon: 'clock', label: t('send.later'), run: () => (panel.value = { kind: 'schedule', into }) },
      ]}
    />
  );
}

const hour = 3_600_000;

/** When a message is to be sent. */
export function SchedulePanel({ into }: { into: Compose }) {
  const evening = new Date().setHours(20, 0, 0, 0);
  const morning = new Date(Date.now() + 24 * hour).setHours(9, 0, 0, 0);
  const [value, setValue] = useState(localTime(Date.now() + hour));
  const [problem, setProblem] = useState('');
  const go = (at: number) => {
    if (!(at > Date.now())) return setProblem(t('schedule.past'));
    if (at > Date.now() + scheduleDaysMax * 24 * hour) return setProblem(t('schedule.far'));
    closePanel();
    void into.submit({ at });
  };
  return (
    <Dialog title={t('send.later')} onClose={closePanel} class="narrow">
      <div class="entries">
        {[Date.now() + hour, ...(evening > Date.now() + 2 * hour ? [evening] : []), morning].map((at, i, all) => (
          <button key={at} type="button" class="entry" onClick={() => go(at)}>
            <span class="grow">{t(i === 0 ? 'schedule.hour' : i === all.length - 1 ? 'schedule.morning' : 'schedule.evening')}</span>
            <span class="dim">{clock(at)}</span>
          </button>
        ))}
      </div>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          go(new Date(value).getTime());
        }}
        noValidate
      >
        <label for="schedule-at">{t('schedule.at')}</label>
        <input id="schedule-at" type="datetime-local" value={value} onInput={(e) => setValue(e.currentTarget.value)} />
        <Problem text={problem} />
        <p class="dim note">{t('schedule.hint')}</p>
        <div class="buttons">
          <button type="button" onClick={closePanel}>
            {t('cancel')}
          </button>
          <button class="primary">{t('schedule.do')}</button>
        </div>
      </form>
    </Dialog>
  );
}

/** How long messages of a chat stay, in seconds, and how that is called. */
export const vanishes = [0, 3600, 86_400, 604_800, 2_419_200, 7_776_000] as const;
export const vanishName = (s: number) =>
  s === 0 ? t('vanish.off') : s % 86_400 === 0 ? t('vanish.days', { n: s / 86_400 }) : s % 3600 === 0 ? t('vanish.hours', { n: s / 3600 }) : t('vanish.minutes', { n: Math.round(s / 60) });
export const setVanish = (chat: string, seconds: number) => void act('setVanish', { chat, seconds });
