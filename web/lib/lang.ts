// The languages of the app and which one to begin with. Kept apart from the texts: theme.ts needs only this.
import { saved } from './saved';

export const langs = ['en', 'ru', 'fa'] as const;
export type Lang = (typeof langs)[number];

export const isLang = (s: string | null): s is Lang => langs.some((l) => l === s);

/** For fields that follow what is typed: while empty they follow the page, as their placeholder does. */
export const dirFor = (value: string) => (value ? 'auto' : undefined);

export const dirOf = (lang: string): 'ltr' | 'rtl' => (lang === 'fa' ? 'rtl' : 'ltr');

/** The direction of a text's first letter (as dir=auto finds it, which looks past <bdi>), undefined without letters. */
export function firstDir(text: string): 'ltr' | 'rtl' | undefined {
  const letter = /\p{L}/u.exec(text)?.[0];
  if (!letter) return undefined;
  return /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/.test(letter) ? 'rtl' : 'ltr';
}

/** The chosen language, or the browser's first that we have. */
export function firstLang(): Lang {
  const chosen = saved('lang');
  if (isLang(chosen)) return chosen;
  for (const l of navigator.languages) {
    const short = l.slice(0, 2).toLowerCase();
    if (isLang(short)) return short;
  }
  return 'en';
}
