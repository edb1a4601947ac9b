/** Folds what people do not mean to tell apart when they search: case, marks, Arabic and Persian letter forms. */
export function fold(s: string): string {
  return s
    .normalize('NFKD')
    .replace(/[\p{M}\u200c\u200d]/gu, '')
    .replace(/ي|ى/g, 'ی')
    .replace(/ك/g, 'ک')
    .toLocaleLowerCase();
}
