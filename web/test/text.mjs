// The texts: every key in every language, every plural form the language has, the same variables, every error in words,
// and no key that nothing uses.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { check, root } from './harness.mjs';

const langs = ['en', 'ru', 'fa'];
const read = (name) => JSON.parse(readFileSync(join(root, `web/text/${name}.json`), 'utf8'));
// Two parts: what the shell shows, and what the views that are loaded later show besides.
const shell = Object.keys(read('en'));
const later = Object.keys(read('later/en'));
check('in one part only', shell.filter((k) => later.includes(k)), []);
const texts = Object.fromEntries(langs.map((l) => [l, { ...read(l), ...read(`later/${l}`) }]));
for (const l of langs) check(`${l}: the same parts as in English`, Object.keys(read(`later/${l}`)).filter((k) => !later.includes(k)), []);
const keys = Object.keys(texts.en);

const variables = (s) => [...new Set([...s.matchAll(/\{(\w+)\}/g)].map((m) => m[1]))].sort();

for (const l of langs) {
  check(`${l}: keys missing`, keys.filter((k) => !(k in texts[l])), []);
  check(`${l}: keys too many`, Object.keys(texts[l]).filter((k) => !keys.includes(k)), []);
  const forms = new Intl.PluralRules(l).resolvedOptions().pluralCategories;
  for (const k of keys) {
    const [here, en] = [texts[l][k], texts.en[k]];
    check(`${l} ${k}: same kind as in English`, typeof here, typeof en);
    const all = typeof here === 'string' ? [here] : Object.values(here);
    if (typeof here === 'object') check(`${l} ${k}: plural forms`, forms.filter((f) => !(f in here)), []);
    check(`${l} ${k}: empty`, all.filter((s) => !s.trim()), []);
    const known = variables((typeof en === 'string' ? [en] : Object.values(en)).join(' '));
    // A plural form may leave a number out ("Photo"), but may not invent a variable.
    for (const s of all) check(`${l} ${k}: unknown variables`, variables(s).filter((v) => !known.includes(v)), []);
    if (typeof here === 'string') check(`${l} ${k}: variables`, variables(here), known);
  }
}

const api = readFileSync(join(root, 'web/app/api.ts'), 'utf8');
const list = (name) => [...new RegExp(`export const ${name} = \\[(.*?)\\]`).exec(api)[1].matchAll(/"([^"]+)"/g)].map((m) => m[1]);
check('every error has words', list('errCodes').filter((c) => !(`error.${c}` in texts.en)), []);
check('every state has words', list('messageStates').filter((s) => s !== 'received' && !(`sent.${s}` in texts.en)), []);
const core = readFileSync(join(root, 'core/event.go'), 'utf8');
const what = [.../What is ([\s\S]*?); Who did it/.exec(core)[1].matchAll(/"(\w+)"/g)].map((m) => m[1]);
check('every notice has words', what.filter((w) => !(`notice.${w}` in texts.en)), []);

// Unused: neither written out in the source nor made there from a known beginning. And no text is asked for before it is there.
const made = /^(error|notice|emoji|theme|sent|chat|state|role|member|history\.hint|kind)\./;
const source = (dir, skip = '') => {
  const out = [];
  for (const f of readdirSync(dir)) {
    const p = join(dir, f);
    if (statSync(p).isDirectory()) {
      if (f !== skip) out.push(source(p, skip));
    } else if (/\.tsx?$/.test(f)) out.push(readFileSync(p, 'utf8'));
  }
  return out.join('\n');
};
const early = source(join(root, 'web/app'), 'later') + source(join(root, 'web/lib'));
const late = source(join(root, 'web/app/later'));
const code = early + late;
const names = (k, text) => text.includes(`'${k}'`);
check('unused keys', keys.filter((k) => !made.test(k) && !names(k, code)), []);
check('asked for before it is there', later.filter((k) => names(k, early)), []);
check('carried by the shell for later views alone', shell.filter((k) => !made.test(k) && !names(k, early)), []);
check('innerHTML and its like', [...code.matchAll(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|dangerouslySetInnerHTML|\beval\(|new Function/g)].map((m) => m[0]), []);
console.log(`text: ${keys.length} keys in ${langs.length} languages`);
