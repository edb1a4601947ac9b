// Pictures of the app over canned people, in widths, themes and languages: for looking at.
// Usage: node web/test/screenshots.mjs [DIRECTORY [PART-OF-A-NAME]]
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { artifacts, buildFake, launch, serve } from './harness.mjs';

const out = process.argv[2] ?? join(artifacts, 'screens');
const only = process.argv[3]; // a part of a picture's name
mkdirSync(out, { recursive: true });
const dir = mkdtempSync(join(tmpdir(), 'paperplane-shots-'));
buildFake(dir);
const server = await serve(dir);
const browser = await launch();

const wide = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };

async function shot(name, viewport, { lang = 'en', dark = false, query = '', steps = async () => {} } = {}) {
  if (only && !name.includes(only)) return;
  const context = await browser.newContext({ viewport, deviceScaleFactor: 2, colorScheme: dark ? 'dark' : 'light', hasTouch: viewport === phone, isMobile: viewport === phone, serviceWorkers: 'block', reducedMotion: 'reduce' });
  await context.addInitScript((l) => localStorage.setItem('pp.lang', l), lang);
  const page = await context.newPage();
  page.setDefaultTimeout(8000);
  await page.goto(`${server.origin}/${query}`);
  await page.locator('.chat-item, .gate form').first().waitFor();
  await steps(page);
  await page.waitForTimeout(300);
  await page.screenshot({ path: join(out, `${name}.png`) });
  await context.close();
}
const chat = (name) => async (page) => {
  await page.locator('.chat-item').filter({ has: page.locator('.chat-name', { hasText: name }) }).click();
  await page.locator('.sharp, .row').first().waitFor();
};
const bar = (n) => async (page) => {
  await page.locator('.sidebar .bar .quiet').nth(n).click();
  await page.locator('dialog[open]').waitFor();
};
const both = (...all) => async (page) => {
  for (const f of all) await f(page);
};
const menu = async (page) => page.locator('.row', { hasText: 'Six?' }).first().click({ button: 'right' });

for (const [lang, dark] of [['en', false], ['en', true], ['ru', false], ['fa', false], ['fa', true]]) {
  const tag = `${lang}-${dark ? 'dark' : 'light'}`;
  await shot(`wide-chat-${tag}`, wide, { lang, dark, steps: chat('Ann') });
  await shot(`wide-group-${tag}`, wide, { lang, dark, steps: chat('Reading circle') });
  await shot(`phone-list-${tag}`, phone, { lang, dark });
  await shot(`phone-chat-${tag}`, phone, { lang, dark, steps: chat('Ann') });
  await shot(`phone-settings-${tag}`, phone, { lang, dark, steps: bar(2) });
}
await shot('wide-invite', wide, { query: '?as=alone', steps: bar(0) });
await shot('wide-empty', wide, { query: '?as=alone' });
await shot('wide-new-group', wide, { steps: bar(1) });
await shot('wide-menu', wide, { steps: both(chat('Ann'), menu) });
await shot('wide-emoji', wide, { dark: true, steps: both(chat('Ann'), (page) => page.locator('.box button').click()) });
await shot('wide-about-group', wide, { steps: both(chat('Reading circle'), (page) => page.locator('.head-title').click()) });
await shot('phone-welcome', phone, { query: '?as=new' });
await shot('phone-join', phone, { query: '?as=new', steps: async (page) => { await page.locator('#link').fill(`${server.origin}/i#1.abc`); await page.keyboard.press('Enter'); await page.locator('#name').waitFor(); } });
await shot('phone-menu', phone, { steps: both(chat('Ann'), menu) });
await shot('phone-offline', phone, { query: '?as=offline', steps: chat('Ann') });
await shot('phone-broken', phone, { query: '?as=broken', steps: chat('Ann') });


// Groups, devices, words, accounts: each window on a desktop and on a phone, in both themes and directions.
const settings = (page) => page.getByRole('button', { name: /Settings|تنظیمات|Настройки/ }).click();
const entry = (n) => (page) => page.locator('dialog .entry').nth(n).click();
const group = both(chat('City cyclists'), async (page) => {
  await page.locator('.head-title').click();
  await page.locator('dialog .tall-list button').first().waitFor();
});
const pages = {
  'group-chat': chat('City cyclists'),
  'group-info': group,
  'group-members': both(group, async (page) => {
    await page.locator('dialog .members .search input').fill('бор');
    await page.locator('dialog .tall-list button', { hasText: 'Борис' }).first().click();
  }),
  'group-erase': both(group, async (page) => {
    await page.locator('dialog .tall-list button', { hasText: 'Борис' }).first().click();
    await page.locator('[role=menuitem]').last().click();
  }),
  'group-knocks': both(group, entry(0)),
  'group-links': both(group, entry(2)),
  'group-link': both(group, entry(2), entry(0)),
  'group-edit': both(group, entry(3)),
  'group-rules': both(group, entry(4)),
  'group-banned': both(group, entry(5)),
  'group-move': both(group, entry(6)),
  'group-mention': both(chat('City cyclists'), async (page) => {
    await page.locator('.composer textarea').fill('Hello @an');
    await page.locator('.pick li').first().waitFor();
  }),
  settings,
  devices: both(settings, entry(0), (page) => page.locator('.devices button.person').nth(2).click()),
  'device-link': both(settings, entry(0), (page) => page.locator('dialog .primary').click(), (page) => page.locator('.qr svg').waitFor()),
  'device-digits': both(settings, entry(0), (page) => page.locator('dialog .primary').click(), (page) => page.locator('.qr svg').waitFor(), (page) => page.evaluate(() => globalThis.fake.event({ event: 'linking', stage: 'digits', digits: '402817', name: 'Tablet' })), (page) => page.locator('.digits').waitFor()),
  'device-sending': both(settings, entry(0), (page) => page.locator('dialog .primary').click(), (page) => page.locator('.qr svg').waitFor(), (page) => page.evaluate(() => globalThis.fake.event({ event: 'linking', stage: 'sending', percent: 62, name: 'Tablet' })), (page) => page.locator('progress').waitFor()),
  words: both(settings, entry(1)),
  'words-shown': both(settings, entry(1), (page) => page.locator('dialog .primary').click(), (page) => page.locator('.words li').first().waitFor()),
  'words-check': both(settings, entry(1), (page) => page.locator('dialog .primary').click(), (page) => page.locator('.words li').first().waitFor(), (page) => page.locator('dialog .primary').click()),
  accounts: both(settings, entry(2)),
};
const looks = [['en', false], ['en', true], ['fa', false], ['ru', false]];
for (const [name, steps] of Object.entries(pages)) {
  for (const [lang, dark] of looks) {
    for (const [width, viewport] of [['wide', wide], ['phone', phone]]) {
      if (lang === 'ru' && width === 'wide') continue;
      await shot(`${width}-${name}-${lang}-${dark ? 'dark' : 'light'}`, viewport, { lang, dark, steps });
    }
  }
}
for (const [lang, dark] of looks) {
  const tag = `${lang}-${dark ? 'dark' : 'light'}`;
  await shot(`phone-offer-${tag}`, phone, { lang, dark, query: '?as=offer' });
  await shot(`phone-fresh-${tag}`, phone, { lang, dark, query: '?as=fresh' });
  await shot(`phone-waits-${tag}`, phone, { lang, dark, query: '?as=waits', steps: chat('Reading circle') });
  await shot(`phone-slow-${tag}`, phone, { lang, dark, query: '?as=member', steps: chat('City cyclists') });
  await shot(`phone-quiet-${tag}`, phone, { lang, dark, query: '?as=member', steps: chat('Reading circle') });
  const back = (page) => page.locator('.gate > button.link').click();
  await shot(`phone-return-${tag}`, phone, { lang, dark, query: '?as=new', steps: both(back, (page) => page.locator('.way').first().waitFor()) });
  await shot(`phone-return-words-${tag}`, phone, { lang, dark, query: '?as=new', steps: both(back, (page) => page.locator('.way').nth(1).click(), (page) => page.locator('textarea').fill('anchor blossom candle')) });
  await shot(`phone-return-device-${tag}`, phone, { lang, dark, query: '?as=new', steps: both(back, (page) => page.locator('.way').first().click(), (page) => page.locator('#device-name').waitFor()) });
}

await browser.close();
server.close();
rmSync(dir, { recursive: true, force: true });
console.log(out);
