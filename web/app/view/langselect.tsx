// Chooses the language of the app.
import { lang, setLang, t } from '../../lib/i18n';
import { isLang, langs } from '../../lib/lang';

// Each language by its own name: whoever cannot read the page finds the way out.
const names = { en: 'English', ru: 'Русский', fa: 'فارسی' } as const;

export function LangSelect() {
  return (
    <label class="select">
      <span class="sr">{t('lang')}</span>
      <select value={lang.value} onChange={(e) => isLang(e.currentTarget.value) && setLang(e.currentTarget.value)}>
        {langs.map((l) => (
          <option key={l} value={l} lang={l}>
            {names[l]}
          </option>
        ))}
      </select>
    </label>
  );
}
