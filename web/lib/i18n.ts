// Texts, numbers and dates in the person's language. Plurals, digits and calendars come from Intl.
import { computed, effect, signal } from '@preact/signals';
import en from '../text/en.json';
import fa from '../text/fa.json';
import ru from '../text/ru.json';
import type later from '../text/later/en.json';
import { dirOf, firstLang, type Lang, langs } from './lang';
import { save } from './saved';

/** Texts of text/later are there once the views that use them are (app/later). */
export type Key = keyof typeof en | keyof typeof later;
type Forms = Partial<Record<Intl.LDMLPluralRule, string>>;
type Vars = Record<string, string | number>;
type Texts = Record<Lang, Record<string, string | Forms>>;

const texts: Texts = { en, ru, fa };

/** Puts in the texts of views that were loaded later. */
export function addTexts(more: Texts): void {
  for (const l of langs) texts[l] = { ...texts[l], ...more[l] };
}

export const lang = signal<Lang>(firstLang());

effect(() => {
  const html = document.documentElement;
  html.lang = lang.value;
  html.dir = dirOf(lang.value);
});

export function setLang(l: Lang): void {
  lang.value = l;
  save('lang', l);
}

// Names and texts of people go into sentences isolated, so that a Persian name cannot turn an English sentence around.
const isolate = (s: string) => `\u2068${s}\u2069`;

const plural = computed(() => new Intl.PluralRules(lang.value));
const digits = computed(() => new Intl.NumberFormat(lang.value));

/** The text for key. {n} chooses the plural form; other variables are put in isolated. */
export function t(key: Key, vars?: Vars): string {
  const entry = texts[lang.value][key] ?? texts.en[key];
  let s = typeof entry === 'string' ? entry : '';
  if (typeof entry === 'object') {
    const forms = entry as Forms;
    s = forms[plural.value.select(Number(vars?.n ?? 0))] ?? forms.other ?? '';
  }
  if (!vars) return s;
  return s.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const v = vars[name];
    return v === undefined ? whole : typeof v === 'number' ? digits.value.format(v) : isolate(v);
  });
}

export const hasText = (key: string) => key in texts.en;

/** The text for a key made of parts at run time, or of other when there is none. */
export function tAny(key: string, other: Key, vars?: Vars): string {
  return t(hasText(key) ? (key as Key) : other, vars);
}

export const number = (n: number) => digits.value.format(n);

/** A share of a hundred. */
export const percent = (n: number) => new Intl.NumberFormat(lang.value, { style: 'percent' }).format(n / 100);

const clockFormat = computed(() => new Intl.DateTimeFormat(lang.value, { hour: 'numeric', minute: '2-digit' }));
export const clock = (at: number) => clockFormat.value.format(at);

const fullFormat = computed(() => new Intl.DateTimeFormat(lang.value, { dateStyle: 'full', timeStyle: 'short' }));
export const full = (at: number) => fullFormat.value.format(at);

/** Calendar days from at to now: 0 is today. */
export function daysAgo(at: number, now = Date.now()): number {
  const midnight = (x: number) => new Date(x).setHours(0, 0, 0, 0);
  return Math.round((midnight(now) - midnight(at)) / 86_400_000);
}

/** The day of a separator: today, yesterday, a weekday with date, and the year when it is another. */
export function day(at: number): string {
  const ago = daysAgo(at);
  if (ago === 0) return t('day.today');
  if (ago === 1) return t('day.yesterday');
  const sameYear = new Date(at).getFullYear() === new Date().getFullYear();
  return new Intl.DateTimeFormat(lang.value, { weekday: 'long', day: 'numeric', month: 'long', ...(sameYear ? {} : { year: 'numeric' }) }).format(at);
}

/** The short time of a chat in the list: clock today, weekday in the last six days, else the date. */
export function short(at: number): string {
  const ago = daysAgo(at);
  if (ago <= 0) return clock(at);
  const o: Intl.DateTimeFormatOptions = ago < 7 ? { weekday: 'short' } : { day: 'numeric', month: 'short' };
  return new Intl.DateTimeFormat(lang.value, o).format(at);
}

/** A date written 2006-01-02. */
export function date(iso: string): string {
  const at = Date.parse(`${iso}T12:00:00`);
  return Number.isNaN(at) ? iso : new Intl.DateTimeFormat(lang.value, { dateStyle: 'long' }).format(at);
}

const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;

/** A size in the largest unit that leaves at least one. */
export function bytes(n: number): string {
  let i = 0;
  let x = n;
  while (x >= 1000 && i < units.length - 1) {
    x /= 1000;
    i++;
  }
  return new Intl.NumberFormat(lang.value, { style: 'unit', unit: units[i]!, unitDisplay: 'short', maximumFractionDigits: x < 10 && i > 0 ? 1 : 0 }).format(x);
}

/** "Ann, Bob and Eve" */
export function list(names: readonly string[]): string {
  return new Intl.ListFormat(lang.value).format(names.map(isolate));
}
