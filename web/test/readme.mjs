// The pictures of the README: three people talk over a real server and core, then their pages are photographed.
// Needs bin/paperplane with assets (make build). Writes docs/images.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch, newGroup, root, startProgram } from './harness.mjs';

const out = process.argv[2] ?? join(root, 'docs/images');
mkdirSync(out, { recursive: true });
const data = mkdtempSync(join(tmpdir(), 'paperplane-readme-'));
const { child: server } = await startProgram(join(root, 'bin/paperplane'), ['serve', '--data', data, '--listen', '127.0.0.1:0'], {}, /serves http:\/\/\S+/);
const browser = await launch();

async function person(link, name, lang, { phone = false, dark = false } = {}) {
  const context = await browser.newContext({
    viewport: phone ? { width: 340, height: 640 } : { width: 980, height: 640 },
    locale: lang,
    colorScheme: dark ? 'dark' : 'light',
    isMobile: phone,
    hasTouch: phone,
    reducedMotion: 'reduce',
    serviceWorkers: 'block',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(link);
  await page.locator('#name').fill(name);
  await page.keyboard.press('Enter');
  await page.locator('.app').waitFor();
  return page;
}
async function invite(page) {
  await page.locator('.sidebar .bar .quiet').first().click();
  await page.locator('.qr svg[role=img]').waitFor();
  const link = await page.locator('.link-text').inputValue();
  await page.keyboard.press('Escape');
  return link;
}
async function open(page, name) {
  const back = page.locator('.back');
  if (await back.isVisible()) await back.click();
  await page.locator('.chat-item').filter({ has: page.locator('.chat-name', { hasText: name }) }).click();
  await page.locator('.composer textarea').waitFor();
}
async function say(page, text, others = []) {
  await page.locator('.composer textarea').fill(text);
  await page.locator('button.send').click();
  await page.locator('.row.own', { hasText: text }).waitFor();
  for (const o of others) await o.locator('.row.other', { hasText: text }).waitFor();
}
/** A picture of hills, drawn by the page. */
const hills = (page) =>
  page.evaluate(async () => {
    const c = Object.assign(document.createElement('canvas'), { width: 1500, height: 700 });
    const g = c.getContext('2d');
    const sky = g.createLinearGradient(0, 0, 0, 700);
    sky.addColorStop(0, '#7fa8d8');
    sky.addColorStop(1, '#f6dcb8');
    g.fillStyle = sky;
    g.fillRect(0, 0, 1500, 700);
    for (const [i, colour] of ['#6d8099', '#4c6079', '#35465c'].entries()) {
      g.fillStyle = colour;
      g.beginPath();
      g.moveTo(0, 700);
      for (let x = 0; x <= 1500; x += 10) g.lineTo(x, 360 + i * 110 + Math.sin(x / (150 + 40 * i) + 2 * i) * 70);
      g.lineTo(1500, 700);
      g.fill();
    }
    const b = await new Promise((r) => c.toBlob(r, 'image/jpeg', 0.9));
    return Array.from(new Uint8Array(await b.arrayBuffer()));
  });

try {
  const mina = await person(readFileSync(join(data, 'invite.txt'), 'utf8').trim(), 'Mina', 'en');
  const nasrin = await person(await invite(mina), 'نسرین', 'fa', { phone: true, dark: true });
  await say(nasrin, 'سلام Mina! من اینجا هستم.');
  const boris = await person(await invite(mina), 'Борис', 'ru');
  await say(boris, 'Привет! Ссылка сработала сразу.');
  await mina.locator('.chat-item', { hasText: 'Борис' }).waitFor();
  await newGroup(mina, 'Reading circle', ['نسرین', 'Борис']);
  await say(mina, 'Thursday at six, at the old library?');
  await open(nasrin, 'Reading circle');
  await open(boris, 'Reading circle');
  await say(boris, 'Отлично. Принесу чай 🍵', [mina, nasrin]);
  await say(nasrin, 'این هم عکس جلسهٔ قبل:', [mina, boris]);
  await nasrin.locator('.composer input[type=file]').setInputFiles({ name: 'hills.jpg', mimeType: 'image/jpeg', buffer: Buffer.from(await hills(nasrin)) });
  await nasrin.locator('.tray-item:not(.busy)').waitFor();
  await nasrin.locator('button.send').click();
  await mina.locator('.row.other .photo .sharp').first().waitFor();
  await mina.locator('.row.other', { hasText: 'Принесу чай' }).click({ button: 'right' });
  await mina.getByRole('menuitem', { name: 'React with' }).nth(1).click();
  await say(mina, 'Beautiful. See you on Thursday!', [nasrin, boris]);
  await mina.locator('.row.own', { hasText: 'Beautiful' }).locator('.corner .state.read').waitFor();
  await mina.locator('.chat-head').click({ position: { x: 500, y: 5 } });

  // Both pages side by side, as one picture.
  const shots = [await mina.screenshot(), await nasrin.screenshot()].map((b) => `data:image/png;base64,${b.toString('base64')}`);
  const sheet = await browser.newPage({ viewport: { width: 1380, height: 680 } });
  await sheet.setContent(
    `<body style="margin:0;height:680px;display:flex;gap:20px;align-items:center;justify-content:center;background:#dfe3ea">
    ${shots.map((s) => `<img src="${s}" style="border-radius:14px;box-shadow:0 4px 18px #0003">`).join('')}</body>`,
  );
  await sheet.screenshot({ path: join(out, 'paperplane.png') });
} finally {
  await browser.close();
  server.removeAllListeners('exit');
  server.kill('SIGTERM');
  rmSync(data, { recursive: true, force: true });
}
console.log(out);
