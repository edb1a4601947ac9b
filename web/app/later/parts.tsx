// Small parts of the windows.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { t } from '../../lib/i18n';
import { ask } from '../act';
import { panel } from '../state';
import { Icon, type IconName } from '../view/icons';

export const closePanel = () => (panel.value = null);

/** A line that leads to another page. */
export function Entry(p: { icon: IconName; label: string; value?: string; count?: string; danger?: boolean; onClick(): void }) {
  return (
    <button type="button" class={p.danger ? 'entry danger' : 'entry'} onClick={p.onClick}>
      <Icon name={p.icon} />
      <span class="grow">{p.label}</span>
      {p.value ? <span class="dim value">{p.value}</span> : null}
      {p.count ? <span class="count">{p.count}</span> : null}
      {p.danger ? null : <Icon name="next" />}
    </button>
  );
}

export function Switch(p: { label: string; hint?: string; on: boolean; onChange(on: boolean): void }) {
  return (
    <label class="line switch">
      <span class="grow">
        {p.label}
        {p.hint ? <span class="dim">{p.hint}</span> : null}
      </span>
      <input type="checkbox" role="switch" checked={p.on} onChange={(e) => p.onChange(e.currentTarget.checked)} />
    </label>
  );
}

/** A choice of a few values. */
export function Choice<T extends string | number>(p: { label: string; hint?: string; value: T; options: readonly (readonly [T, string])[]; onChange(v: T): void }) {
  return (
    <label class="line choice">
      <span class="grow">
        {p.label}
        {p.hint ? <span class="dim">{p.hint}</span> : null}
      </span>
      <select value={p.value} onChange={(e) => p.onChange(p.options[e.currentTarget.selectedIndex]![0])}>
        {p.options.map(([v, text]) => (
          <option key={v} value={v} selected={v === p.value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Problem(p: { text: string; id?: string }) {
  return (
    <p id={p.id} class="problem" role="alert">
      {p.text}
    </p>
  );
}

/** How far something has got. */
export function Progress(p: { label: string; percent: number | undefined }) {
  return <progress aria-label={p.label} max={100} value={p.percent} />;
}

/** A text as a QR code, with its quiet zone, dark on white in every theme: readers need that. */
export function QR(p: { text: string | null; label: string }) {
  const [rows, setRows] = useState<readonly string[]>([]);
  useEffect(() => {
    if (p.text) void ask('qr', { text: p.text }).then((r) => setRows(r.rows), () => undefined); // the text itself is there
  }, [p.text]);
  const size = rows.length;
  let path = '';
  rows.forEach((row, y) => {
    for (const run of row.matchAll(/1+/g)) path += `M${run.index} ${y}h${run[0].length}v1h-${run[0].length}z`;
  });
  return (
    <div class="qr">
      {size > 0 ? (
        <svg viewBox={`0 0 ${size} ${size}`} role="img" aria-label={p.label} shape-rendering="crispEdges">
          <path class="qr-white" d={`M0 0h${size}v${size}H0z`} />
          <path class="qr-black" d={path} />
        </svg>
      ) : (
        <div class="qr-room" aria-hidden="true" />
      )}
    </div>
  );
}

/** Asks f again whenever one of what it hangs on changes. Null while the first answer is on its way. */
export function useAsked<T>(f: () => Promise<T | null>, on: readonly unknown[]): T | null {
  const [got, setGot] = useState<T | null>(null);
  useEffect(() => {
    let late = false;
    void f().then((x) => {
      if (!late && x) setGot(x);
    });
    return () => void (late = true);
  }, on);
  return got;
}

export function Note(p: { children: ComponentChildren }) {
  return <p class="dim note">{p.children}</p>;
}

/** A place that has nothing to show yet says what would be there. */
export function Nothing(p: { icon: IconName; text: string }) {
  return (
    <div class="nothing">
      <Icon name={p.icon} />
      <p>{p.text}</p>
    </div>
  );
}

export const host = (origin: string) => origin.replace(/^https?:\/\//, '');


/** Asks whether both devices show the same digits. The one that was told yes says that the other asks, too. */
export function Compare(p: { question: string; digits: string; answered: boolean; onAnswer(yes: boolean): void }) {
  return (
    <>
      <p role={p.answered ? 'status' : undefined}>{p.answered ? t('device.digits.there') : p.question}</p>
      <Digits digits={p.digits} />
      {p.answered ? null : (
        <>
          <p class="dim">{t('device.digits.hint')}</p>
          <div class="buttons">
            <button type="button" class="danger" onClick={() => p.onAnswer(false)}>
              {t('device.digits.no')}
            </button>
            <button type="button" class="primary" onClick={() => p.onAnswer(true)}>
              {t('device.digits.yes')}
            </button>
          </div>
        </>
      )}
    </>
  );
}

/** Six digits in two groups. They run from left to right in every language, and are read out one by one. */
function Digits({ digits }: { digits: string }) {
  return (
    <p class="digits" dir="ltr" role="img" aria-label={[...digits].join(' ')}>
      <span>{digits.slice(0, 3)}</span> <span>{digits.slice(3)}</span>
    </p>
  );
}
