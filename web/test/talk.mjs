// What messages can be and how they are made, over canned people: marks, cards, media, polls, search.
import { axe, check, fakePages, steps } from './harness.mjs';

const only = process.argv[2]; // a part of a step's name
const { open, complaints, end } = await fakePages();
const box = (page) => page.locator('.composer textarea');
const rows = (page) => page.locator('.row');
const close = (page) => page.context().close();
const hear = (page, text) => page.evaluate((s) => globalThis.fake.hear('c-ann', 'Ann', s), text);

const list = [
  [
    'marks-in-texts',
    async () => {
      for (const [lang, dark] of [['en', false], ['fa', true]]) {
        const page = await open('', { lang, dark });
        await page.chat('Ann');
        await hear(page, '*bold* _it_ ~no~ `a*b` ||the butler|| <b>x</b>\n> quoted\n- one\n- two\n```go\nfmt.Println("*as is*")\n```\nend');
        const row = rows(page).last();
        await row.locator('.fence').waitFor();
        check('elements', await row.evaluate((r) => ['b', 'i', 's', '.text code[dir]', 'blockquote', '.marks li', 'pre'].map((q) => [...r.querySelectorAll(q)].map((e) => e.textContent).join('|'))), ['bold', 'it', 'no', 'a*b', 'quoted', '•one|•two', 'fmt.Println("*as is*")']);
        check('people\'s text is no markup', await row.evaluate((r) => r.querySelector('.text').textContent.includes('<b>x</b>')), true);
        check('the row names no hidden word', (await row.getAttribute('aria-label')).includes('butler'), false);
        check('nor does the list', (await page.locator('.chat-item', { hasText: 'Ann' }).first().textContent()).includes('butler'), false);
        check(`axe ${lang}`, await axe(page), []);
        const spoiler = row.locator('.spoiler');
        check('hidden', await spoiler.evaluate((e) => getComputedStyle(e.firstElementChild).visibility), 'hidden');
        await spoiler.focus();
        await page.keyboard.press('Enter');
        await row.locator('.spoiler.shown', { hasText: 'the butler' }).waitFor();
        check('Enter showed it and opened no menu', await page.locator('[role=menu]').count(), 0);
        await row.locator('.fence button').click();
        check('copied as it is', await page.evaluate(() => navigator.clipboard.readText()), 'fmt.Println("*as is*")');
        await close(page);
      }
    },
  ],
  [
    'marks-by-keys-and-bar',
    async () => {
      const page = await open();
      await page.chat('Ann');
      await page.waitForTimeout(1200); // the later views are here
      await box(page).fill('one two');
      await page.keyboard.press('Control+Shift+ArrowLeft');
      await page.locator('.format-bar').waitFor();
      await page.keyboard.press('Control+b');
      check('bold', await box(page).inputValue(), 'one *two*');
      await page.keyboard.press('Control+b');
      check('off again', await box(page).inputValue(), 'one two');
      await page.locator('.format-bar button').nth(4).click();
      check('by the bar', await box(page).inputValue(), 'one ||two||');
      await page.keyboard.press('Control+z');
      check('undone', await box(page).inputValue(), 'one two');
      await page.keyboard.press('End');
      await page.locator('.format-bar').waitFor({ state: 'detached' });
      await close(page);
    },
  ],
  [
    'places-and-contacts',
    async () => {
      const page = await open();
      await page.chat('Ann');
      await hear(page, 'geo:35.6892,51.389');
      const row = rows(page).last();
      await row.locator('.card-line a').waitFor();
      check('the map is a link', await row.locator('.card-line a').getAttribute('href'), 'https://www.openstreetmap.org/?mlat=35.6892&mlon=51.389#map=16/35.6892/51.389');
      await page.evaluate(() => {
        const f = globalThis.fake;
        f.files.set('vc', new Blob(['BEGIN:VCARD\nFN:Ann Lee\nTEL:+1 555\nURL:javascript:alert(1)\nEND:VCARD']));
        f.put({ id: 'vc1', chat: 'c-ann', index: ++f.n, at: Date.now(), from: 'p-Ann', fromName: 'Ann', own: false, kind: 'file', state: 'received', files: [{ name: 'ann.vcf', mime: 'text/vcard', size: 80, state: 'local', ref: 'vc' }] });
      });
      await rows(page).last().getByText('Ann Lee').waitFor();
      check('links of a contact', await rows(page).last().locator('a').evaluateAll((all) => all.map((a) => a.getAttribute('href'))), ['tel:%2B1%20555']);
      check('axe', await axe(page), []);
      await close(page);
    },
  ],
];

await steps(list.filter(([name]) => !only || name.includes(only)));
check('nothing complained', complaints, []);
await end();
