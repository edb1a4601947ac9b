// Asking a chat something, and the poll as its message shows it.
import { useState } from 'preact/hooks';
import { list, number, percent, t } from '../../lib/i18n';
import { dirFor } from '../../lib/lang';
import { act, ask, words } from '../act';
import { type Message, type Poll, pollOptionBytesMax, pollOptionsMax, pollTextBytesMax } from '../api';
import { Dialog } from '../view/dialog';
import { Icon } from '../view/icons';
import { closePanel, Problem, Switch } from './parts';

const byteLength = (s: string) => new TextEncoder().encode(s).length;

export function PollPanel({ chat }: { chat: string }) {
  const [question, setQuestion] = useState('');
  const [options, setOptions] = useState<readonly string[]>(['', '']);
  const [several, setSeveral] = useState(false);
  const [hidden, setHidden] = useState(false);
  const [right, setRight] = useState<number | null>(null); // of a quiz
  const [why, setWhy] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const quiz = right !== null;
  const write = (i: number, text: string) => {
    const next = options.with(i, text);
    if (i === next.length - 1 && text && next.length < pollOptionsMax) next.push(''); // a further one waits
    setOptions(next);
  };
  const submit = async (e: Event) => {
    e.preventDefault();
    const kept = options.map((o) => o.trim()).flatMap((o, i) => (o ? [{ o, i }] : []));
    if (!question.trim()) return setProblem(t('poll.question.missing'));
    if (kept.length < 2) return setProblem(t('poll.options.missing'));
    if (new Set(kept.map((k) => k.o)).size < kept.length) return setProblem(t('poll.options.twice'));
    if (byteLength(question) > pollTextBytesMax || byteLength(why) > pollTextBytesMax || kept.some((k) => byteLength(k.o) > pollOptionBytesMax)) return setProblem(t('error.text-long'));
    const at = kept.findIndex((k) => k.i === right);
    if (quiz && at < 0) return setProblem(t('poll.right.missing'));
    setBusy(true);
    try {
      await ask('sendPoll', { chat, question: question.trim(), options: kept.map((k) => k.o), ...(several && !quiz ? { several } : {}), ...(hidden ? { hidden } : {}), ...(quiz ? { right: at, ...(why.trim() ? { why: why.trim() } : {}) } : {}) });
      closePanel();
    } catch (x) {
      setProblem(words(x));
      setBusy(false);
    }
  };
  return (
    <Dialog title={t('poll.new')} onClose={closePanel}>
      <form class="poll-form" onSubmit={submit} noValidate>
        <label for="poll-question">{t('poll.question')}</label>
        <input id="poll-question" value={question} dir={dirFor(question)} autocomplete="off" onInput={(e) => setQuestion(e.currentTarget.value)} />
        <fieldset>
          <legend class="dim">{quiz ? t('poll.right') : t('poll.options')}</legend>
          {options.map((o, i) => (
            <div key={i} class="line">
              {quiz ? <input type="radio" name="poll-right" checked={right === i} aria-label={t('poll.right.this', { n: i + 1 })} onChange={() => setRight(i)} /> : null}
              <input value={o} dir={dirFor(o)} autocomplete="off" aria-label={t('poll.option', { n: i + 1 })} placeholder={t('poll.option', { n: i + 1 })} onInput={(e) => write(i, e.currentTarget.value)} />
            </div>
          ))}
        </fieldset>
        {quiz ? null : <Switch label={t('poll.several')} on={several} onChange={setSeveral} />}
        <Switch label={t('poll.quiz')} on={quiz} onChange={(on) => setRight(on ? 0 : null)} />
        {quiz ? <input value={why} dir={dirFor(why)} autocomplete="off" aria-label={t('poll.why')} placeholder={t('poll.why')} onInput={(e) => setWhy(e.currentTarget.value)} /> : null}
        <Switch label={t('poll.hidden')} hint={t('poll.hidden.hint')} on={hidden} onChange={setHidden} />
        <Problem text={problem} />
        <div class="buttons">
          <button type="button" onClick={closePanel}>
            {t('cancel')}
          </button>
          <button class="primary" disabled={busy}>
            {t('poll.send')}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

const kindOf = (p: Poll) => (p.closed ? 'poll.closed' : p.quiz ? 'poll.kind.quiz' : p.hidden ? 'poll.kind.hidden' : p.several ? 'poll.kind.several' : 'poll.kind');

export function PollCard({ m, may }: { m: Message; may: boolean }) {
  const poll = m.poll!;
  const options = poll.options ?? [];
  const [chosen, choose] = useState<readonly number[]>([]);
  const voted = options.some((o) => o.own);
  const asks = may && !voted && !poll.closed;
  const vote = (of: readonly number[]) => void act('vote', { chat: m.chat, message: m.id, options: [...of] });
  const press = (i: number) => {
    if (!poll.several) vote([i]);
    else choose(chosen.includes(i) ? chosen.filter((x) => x !== i) : [...chosen, i].sort((a, b) => a - b));
  };
  return (
    <div class="poll" role="group" aria-label={t('poll.say', { question: poll.question })}>
      <p class="question" dir="auto">
        {poll.question}
      </p>
      <p class="dim">{t(kindOf(poll))}</p>
      {options.map((o, i) => {
        const share = poll.voters > 0 ? Math.round((100 * o.votes) / poll.voters) : 0;
        if (asks) {
          return (
            <button key={i} type="button" class="option" role={poll.several ? 'checkbox' : undefined} aria-checked={poll.several ? chosen.includes(i) : undefined} onClick={() => press(i)}>
              <i class={poll.several ? 'tick square' : 'tick'}>{chosen.includes(i) ? <Icon name="check" /> : null}</i>
              <span dir="auto">{o.text}</span>
            </button>
          );
        }
        const mark = poll.right === i ? 'right' : o.own && poll.right !== undefined ? 'wrong' : o.own ? 'own' : '';
        return (
          <div key={i} class={`result ${mark}`} title={list(o.by ?? [])}>
            <span class="share">{percent(share)}</span>
            <span dir="auto" class="grow">
              {o.text}
              {mark ? <span class="sr">{t(mark === 'right' ? 'poll.is.right' : mark === 'wrong' ? 'poll.is.wrong' : 'poll.is.own')}</span> : null}
            </span>
            {mark ? <Icon name={mark === 'wrong' ? 'close' : 'check'} /> : null}
            <span class="track" aria-hidden="true">
              <span style={{ inlineSize: `${share}%` }} />
            </span>
            {o.by?.length ? <span class="dim by">{list(o.by.slice(0, 3))}{o.votes > 3 ? ` +${number(o.votes - 3)}` : ''}</span> : null}
          </div>
        );
      })}
      {poll.why && (voted || poll.closed) ? (
        <p class="dim why" dir="auto">
          {poll.why}
        </p>
      ) : null}
      <p class="dim foot">
        <span class="grow">{t('poll.votes', { n: poll.voters })}</span>
        {asks && poll.several ? (
          <button type="button" class="link" disabled={chosen.length === 0} onClick={() => vote(chosen)}>
            {t('poll.vote')}
          </button>
        ) : null}
        {voted && !poll.quiz && !poll.closed && may ? (
          <button type="button" class="link" onClick={() => (choose([]), vote([]))}>
            {t('poll.back')}
          </button>
        ) : null}
      </p>
    </div>
  );
}
