// Pictures of the app over canned people, in widths, themes and languages: for the README and for looking at.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { artifacts, buildFake, launch, serve } from './harness.mjs';

const out = process.argv[2] ?? join(artifacts, 'screens');
mkdirSync(out, { recursive: true });
const dir = mkdtempSync(join(tmpdir(), 'paperplane-shots-'));
buildFake(dir);
const server = await serve(dir);
const browser = await launch();

const wide = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };

async function shot(name, viewport, { lang = 'en', dark = false, query = '', steps = async () => {} } = {}) {
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
  await page.locator('.sidebar .bar button').nth(n).click();
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

await browser.close();
server.close();
rmSync(dir, { recursive: true, force: true });
console.log(out);
