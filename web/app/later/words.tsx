// The twelve words: what they are for, the words themselves, and whether they were written down. No device remembers words
// that were (spec/words.md): what is shown later are always new ones, which count once they have been written down, too.
import { useEffect, useState } from 'preact/hooks';
import { number, t } from '../../lib/i18n';
import { act, ask, words as saying } from '../act';
import { toast, words } from '../state';
import { Problem } from './parts';

type Step = 'why' | 'show' | 'check';

// How many of the words are asked for.
const asked = 2;

/** Some of n places, in order. */
function some(n: number): number[] {
  const all = Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < asked; i++) {
    const j = i + Math.floor(Math.random() * (n - i));
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all.slice(0, asked).sort((a, b) => a - b);
}

export function WordsPage({ onDone }: { onDone(): void }) {
  const kept = words.value === 'kept' || words.value === 'renew';
  const [step, setStep] = useState<Step>('why');
  const [list, setList] = useState<readonly string[]>([]);
  const [problem, setProblem] = useState('');
  const show = async () => {
    setProblem('');
    try {
      setList((await ask('makeWords', {})).words ?? []);
      setStep('show');
    } catch (e) {
      setProblem(saying(e));
    }
  };
  const later = async () => {
    await act('keepWords', { later: true });
    onDone();
  };
  if (step === 'check') return <Check list={list} onBack={() => setStep('show')} onDone={onDone} />;
  if (step === 'show') {
    return (
      <>
        <p>{t('words.write')}</p>
        <ol class="words" dir="ltr">
          {list.map((w, i) => (
            <li key={i}>
              <span class="n">{number(i + 1)}</span>
              <b lang="en">{w}</b>
            </li>
          ))}
        </ol>
        <p class="dim">{t('words.paper')}</p>
        <div class="buttons">
          <button type="button" class="primary" onClick={() => setStep('check')}>
            {t('words.written')}
          </button>
        </div>
      </>
    );
  }
  return (
    <>
      <p>{t(words.value === 'renew' ? 'words.renew' : kept ? 'words.why.kept' : 'words.why')}</p>
      <ul class="points">
        <li>{t('words.point.all')}</li>
        <li>{t('words.point.who')}</li>
        {kept ? null : <li>{t('words.point.lost')}</li>}
      </ul>
      <Problem text={problem} />
      <div class="buttons">
        {kept ? null : (
          <button type="button" onClick={() => void later()}>
            {t('words.later')}
          </button>
        )}
        <button type="button" class="primary" onClick={() => void show()}>
          {t(kept ? 'words.new' : 'words.show')}
        </button>
      </div>
    </>
  );
}

function Check(p: { list: readonly string[]; onBack(): void; onDone(): void }) {
  const [places] = useState(() => some(p.list.length));
  const [typed, setTyped] = useState<readonly string[]>(places.map(() => ''));
  const [wrong, setWrong] = useState<readonly number[]>([]);
  useEffect(() => document.querySelector<HTMLInputElement>('.check input')?.focus(), []);
  const submit = async (e: Event) => {
    e.preventDefault();
    const bad = places.filter((at, i) => typed[i]!.trim().toLowerCase() !== p.list[at]);
    setWrong(bad);
    if (bad.length > 0) return;
    if (!(await act('keepWords', {}))) return;
    toast.value = { text: t('words.done') };
    p.onDone();
  };
  return (
    <form class="check" onSubmit={submit} noValidate>
      <p>{t('words.check')}</p>
      {places.map((at, i) => (
        <div key={at}>
          <label for={`word-${at}`}>{t('words.number', { n: at + 1 })}</label>
          <input id={`word-${at}`} value={typed[i]} dir="ltr" lang="en" autocomplete="off" autocapitalize="none" spellcheck={false} aria-invalid={wrong.includes(at)} aria-describedby={`word-${at}-problem`} onInput={(e) => setTyped(typed.with(i, e.currentTarget.value))} />
          <Problem id={`word-${at}-problem`} text={wrong.includes(at) ? t('words.wrong', { n: at + 1 }) : ''} />
        </div>
      ))}
      <div class="buttons">
        <button type="button" onClick={p.onBack}>
          {t('words.again')}
        </button>
        <button class="primary">{t('words.ready')}</button>
      </div>
    </form>
  );
}
