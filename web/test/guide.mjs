// The pictures of docs/guide: windows over canned people, three phones side by side. Writes docs/images.
import { join } from 'node:path';
import { fakePages, launch, root } from './harness.mjs';

const out = process.argv[2] ?? join(root, 'docs/images');
const { open, end } = await fakePages();
const browser = await launch();
const phone = { width: 360, height: 700, touch: true };

async function picture(name, ...shots) {
  const images = [];
  for (const [options, f] of shots) {
    const page = await open(options.query ?? '', { ...phone, ...options });
    await f(page);
    await page.waitForTimeout(300);
    images.push(`data:image/png;base64,${(await page.screenshot()).toString('base64')}`);
    await page.context().close();
  }
  const width = images.length * 380 + 20;
  const sheet = await browser.newPage({ viewport: { width, height: 740 } });
  await sheet.setContent(`<body style="margin:0;height:740px;display:flex;gap:20px;align-items:center;justify-content:center;background:#dfe3ea">
    ${images.map((s) => `<img src="${s}" style="border-radius:16px;box-shadow:0 4px 18px #0003">`).join('')}</body>`);
  await sheet.screenshot({ path: join(out, `${name}.png`) });
  await sheet.close();
}

const group = async (page) => {
  await page.chat('City cyclists');
  await page.locator('.head-title').click();
  await page.locator('dialog .tall-list button.person').first().waitFor();
};
const entry = async (page, n) => {
  await page.locator('dialog .entry').nth(n).click();
  await page.locator('.sheet-body.page').waitFor();
};
const settings = async (page, n) => {
  await page.locator('.sidebar .bar .quiet').nth(2).click();
  await entry(page, n);
};
const linking = async (page, event) => {
  await settings(page, 0);
  await page.locator('dialog .primary').click();
  await page.locator('.qr svg').waitFor();
  if (event) await page.happens({ event: 'linking', name: 'Tablet', ...event });
};

try {
  await picture('group', [{}, (p) => p.chat('City cyclists')], [{}, group], [{}, async (p) => (await group(p), await entry(p, 4))]);
  await picture(
    'group-people',
    [{}, async (p) => (await group(p), await entry(p, 2), await entry(p, 0), await p.locator('.qr svg').waitFor())],
    [{}, async (p) => (await group(p), await entry(p, 0))],
    [{}, async (p) => (await group(p), await p.locator('dialog button.person', { hasText: 'Борис' }).first().click(), await p.locator('[role=menu]').waitFor())],
  );
  await picture('devices', [{}, (p) => settings(p, 0)], [{}, (p) => linking(p)], [{}, (p) => linking(p, { stage: 'digits', digits: '402817' })]);
  await picture(
    'words',
    [{ query: '?as=offer' }, async () => {}],
    [{}, async (p) => (await settings(p, 1), await p.locator('dialog .primary').click(), await p.locator('.words').waitFor())],
    [{ query: '?as=new' }, async (p) => (await p.locator('.gate > button.link').click(), await p.locator('.way').first().waitFor())],
  );
} finally {
  await browser.close();
  await end();
}
console.log(out);
