// Runs before the first paint: the chosen theme and language, so that nothing flashes or turns around.
import { saved } from './saved';
import { dirOf, firstLang } from './lang';

const html = document.documentElement;
const theme = saved('theme');
if (theme === 'light' || theme === 'dark') html.dataset.theme = theme;
html.lang = firstLang();
html.dir = dirOf(html.lang);
