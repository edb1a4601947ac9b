// Two people (and a third) in real browsers over the real server and the real core: they join, write, read, lose the
// network, reload, open second tabs. Needs bin/paperplane with assets: make build. PAPERPLANE names another binary.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deviceSteps } from './e2e-devices.mjs';
import { groupSteps } from './e2e-groups.mjs';
import { endLocal, localSteps } from './e2e-local.mjs';
import { talkSteps } from './e2e-talk.mjs';
import { artifacts, axe, bare, check, launch, newGroup, root, startProgram, steps, watch } from './harness.mjs';

const binary = process.env.PAPERPLANE ?? join(root, 'bin/paperplane');
const only = process.argv[2];
const data = mkdtempSync(join(tmpdir(), 'paperplane-e2e-'));
const complaints = [];

const port = await new Promise((done) => {
  const s = createServer().listen(0, '127.0.0.1', () => {
    const p = s.address().port;
    s.close(() => done(p));
  });
});

let server = null;
async function serverUp() {
  const started = await startProgram(binary, ['serve', '--data', data, '--listen', `127.0.0.1:${port}`], {}, /serves http:\/\/\S+/);
  server = started.child;
}
const serverDown = () =>
  new Promise((done) => {
    server.removeAllListeners('exit');
    server.once('exit', done);
    server.kill('SIGTERM');
  });

const browser = await launch();

/** A person: a browser profile of their own, with as many tabs as they like. */
async function person({ lang = 'en', dark = false, phone = false } = {}) {
  const context = await browser.newContext({
    viewport: phone ? { width: 390, height: 844 } : { width: 1280, height: 800 },
    colorScheme: dark ? 'dark' : 'light',
    hasTouch: phone,
    isMobile: phone,
    deviceScaleFactor: 2,
    reducedMotion: 'reduce',
    acceptDownloads: true,
  });
  // A blank page has no storage.
  await context.addInitScript((l) => location.origin === 'null' || (localStorage.getItem('pp.lang') ?? localStorage.setItem('pp.lang', l)), lang);
  const who = { context, page: null };
  who.tab = async (url = `http://127.0.0.1:${port}/`) => {
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    watch(page, complaints);
    await page.goto(url);
    return page;
  };
  who.join = async (link, name) => {
    who.page = await who.tab(link);
    await who.page.locator('#name').fill(name);
    await who.page.keyboard.press('Enter');
    await who.page.locator('.app').waitFor();
  };
  return who;
}
const say = async (page, text) => {
  await page.locator('.composer textarea').fill(text);
  await page.keyboard.press('Enter');
  await page.locator('.row.own', { hasText: text }).first().waitFor();
};
const sees = (page, text) => page.locator('.row.other', { hasText: text }).first().waitFor();
const openChat = async (page, name) => {
  const back = page.locator('.back');
  if (await back.isVisible()) await back.click();
  await page.locator('.chat-item').filter({ has: page.locator('.chat-name', { hasText: name }) }).click();
  await page.locator('.chat-head h1', { hasText: name }).waitFor(); // not the chat before
  await page.locator('.composer textarea').waitFor();
};
const state = (page, text, s) => page.locator('.row.own', { hasText: text }).locator(`.corner .state.${s}`).waitFor();
const shot = (page, name) => page.screenshot({ path: join(artifacts, `${name}.png`) });
const invite = async (page) => {
  const back = page.locator('.back');
  if (await back.isVisible()) await back.click();
  await page.locator('.sidebar .bar .quiet').first().click();
  const field = page.locator('.link-text');
  await page.locator('.qr svg[role=img]').waitFor();
  const link = await field.inputValue();
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
  return link;
};

const alice = await person();
const bob = await person({ lang: 'fa', dark: true, phone: true });
const carol = await person({ lang: 'ru' });

const list = [
  [
    'the-first-person-finds-a-hint',
    async () => {
      await serverUp();
      const link = readFileSync(join(data, 'invite.txt'), 'utf8').trim().split(/\s+/).find((x) => x.includes('/i#'));
      const start = Date.now();
      await alice.join(link, 'Alice');
      console.log(`     from opening the link to being in: ${Date.now() - start} ms, of it the core ${await alice.page.evaluate(() => Math.round(performance.getEntriesByName('ready')[0]?.startTime ?? 0))} ms`);
      await alice.page.locator('.chat-item', { hasText: 'Saved messages' }).waitFor();
      await alice.page.locator('.empty .primary').waitFor();
      await bare(alice.page);
      await shot(alice.page, 'first');
    },
  ],
  [
    'two-screens-and-one-field',
    async () => {
      const link = await invite(alice.page);
      bob.page = await bob.tab(link);
      await bob.page.locator('#name').waitFor();
      check('one field', await bob.page.locator('input').count(), 1);
      await shot(bob.page, 'join-fa');
      await bob.page.locator('#name').fill('بابک');
      await bob.page.keyboard.press('Enter');
      await bob.page.locator('.composer textarea').waitFor();
      await alice.page.locator('.chat-item', { hasText: 'بابک' }).waitFor();
      await bob.page.locator('.chat-head h1', { hasText: 'Alice' }).waitFor();
    },
  ],
  [
    'write-and-read-both-ways',
    async () => {
      await bob.page.locator('.composer textarea').fill('سلام Alice!');
      await bob.page.locator('button.send').tap();
      await openChat(alice.page, 'بابک');
      await sees(alice.page, 'سلام');
      await say(alice.page, 'Hello! Nobody else can read this.');
      await sees(bob.page, 'Nobody else');
      await state(alice.page, 'Nobody else', 'read');
      const times = [];
      for (let i = 0; i < 10; i++) {
        const start = performance.now();
        await say(alice.page, `number ${i}`);
        await sees(bob.page, `number ${i}`);
        times.push(performance.now() - start);
      }
      times.sort((a, b) => a - b);
      console.log(`     typed to shown at the other's: median ${Math.round(times[5])} ms, worst ${Math.round(times[9])} ms, test included`);
      await bob.page.waitForTimeout(3100); // typing is told at most every three seconds
      await bob.page.locator('.composer textarea').pressSequentially('hm');
      await alice.page.locator('.below.typing').waitFor();
      await bob.page.locator('.composer textarea').fill('');
    },
  ],
  [
    'reply-react-edit-delete',
    async () => {
      const a = alice.page;
      await a.locator('.row.other', { hasText: 'سلام' }).first().click({ button: 'right' });
      await a.getByRole('menuitem', { name: 'Reply' }).click();
      await say(a, 'answering you');
      await bob.page.locator('.row.other', { hasText: 'answering you' }).locator('.quote').waitFor();
      await state(a, 'answering you', 'read');
      await a.locator('.row.other', { hasText: 'سلام' }).first().click({ button: 'right' });
      await a.getByRole('menuitem', { name: 'React with' }).nth(1).click();
      await bob.page.locator('.row.own', { hasText: 'سلام' }).locator('.reactions button').waitFor();
      await a.locator('.composer textarea').focus();
      await a.keyboard.press('ArrowUp');
      await a.locator('.composer textarea').fill('answering you, edited');
      await a.keyboard.press('Enter');
      await sees(bob.page, 'answering you, edited');
      await say(a, 'a slip of the tongue');
      await sees(bob.page, 'slip of the tongue');
      await a.locator('.row.own', { hasText: 'slip of the tongue' }).click({ button: 'right' });
      await a.getByRole('menuitem', { name: 'Delete for everyone' }).click();
      await a.locator('dialog').getByRole('button', { name: 'Delete' }).click();
      await bob.page.locator('.bubble.deleted').waitFor();
      check('gone at the other\'s', await bob.page.locator('.row', { hasText: 'slip of the tongue' }).count(), 0);
    },
  ],
  [
    'photo-and-file',
    async () => {
      const photo = Buffer.from(
        await bob.page.evaluate(async () => {
          const c = document.createElement('canvas');
          c.width = 1800;
          c.height = 1200;
          const g = c.getContext('2d');
          const sky = g.createLinearGradient(0, 0, 0, 1200);
          sky.addColorStop(0, '#7fa8d8');
          sky.addColorStop(1, '#f6dcb8');
          g.fillStyle = sky;
          g.fillRect(0, 0, 1800, 1200);
          g.fillStyle = '#35506b';
          g.beginPath();
          g.moveTo(0, 1200);
          for (let x = 0; x <= 1800; x += 10) g.lineTo(x, 820 + Math.sin(x / 140) * 120);
          g.lineTo(1800, 1200);
          g.fill();
          const b = await new Promise((r) => c.toBlob(r, 'image/jpeg', 0.92));
          let s = '';
          for (const x of new Uint8Array(await b.arrayBuffer())) s += String.fromCharCode(x);
          return btoa(s);
        }),
        'base64',
      );
      await bob.page.locator('.composer input[type=file]').setInputFiles({ name: 'sea.jpg', mimeType: 'image/jpeg', buffer: photo });
      await bob.page.locator('.tray-item:not(.busy)').waitFor();
      await bob.page.locator('button.send').tap();
      await alice.page.locator('.row.other .photo .sharp').first().waitFor();
      check('shown in its shape', await alice.page.locator('.row.other .photo').first().evaluate((e) => Math.abs(e.clientWidth / e.clientHeight - 1.5) < 0.02), true);
      const body = Buffer.from(Array.from({ length: 700_000 }, (_, i) => (i * 31 + (i >> 8)) & 255));
      await alice.page.locator('.composer input[type=file]').setInputFiles({ name: 'plan.bin', mimeType: 'application/octet-stream', buffer: body });
      await alice.page.locator('.tray-item:not(.busy)').waitFor();
      await alice.page.keyboard.press('Enter');
      const file = bob.page.locator('.row.other .file', { hasText: 'plan.bin' });
      await file.waitFor();
      await state2(alice.page, 'plan.bin');
      await file.locator('button').tap();
      await bob.page.locator('.row.other .file button[aria-label*="ذخیره"]').waitFor();
      const [download] = await Promise.all([bob.page.waitForEvent('download'), file.locator('button').tap()]);
      check('name', download.suggestedFilename(), 'plan.bin');
      check('the same bytes', readFileSync(await download.path()).equals(body), true);
      await shot(alice.page, 'chat-en-light');
      await shot(bob.page, 'chat-fa-dark-phone');
    },
  ],
  [
    'reload-keeps-everything',
    async () => {
      await alice.page.locator('.composer textarea').fill('not finished');
      await alice.page.waitForTimeout(600);
      const before = await alice.page.locator('.row').count();
      await alice.page.reload();
      await alice.page.locator('.chat-head h1', { hasText: 'بابک' }).waitFor();
      await alice.page.locator('.row').first().waitFor();
      check('messages', await alice.page.locator('.row').count(), before);
      check('the draft', await alice.page.locator('.composer textarea').inputValue(), 'not finished');
      await say(alice.page, 'after the reload');
      await sees(bob.page, 'after the reload');
    },
  ],
  [
    'second-tab-and-the-first-one-closes',
    async () => {
      const start = performance.now();
      const second = await alice.tab();
      await second.locator('.chat-item', { hasText: 'بابک' }).waitFor();
      console.log(`     second tab ready: ${Math.round(performance.now() - start)} ms`);
      await openChat(second, 'بابک');
      await say(second, 'from the second tab');
      await alice.page.locator('.row.own', { hasText: 'from the second tab' }).waitFor();
      await sees(bob.page, 'from the second tab');
      await alice.page.close(); // it ran the core
      const gap = performance.now();
      await say(second, 'the first tab is gone');
      await sees(bob.page, 'the first tab is gone');
      console.log(`     the core has moved and sent: ${Math.round(performance.now() - gap)} ms`);
      check('said once', await bob.page.locator('.row.other', { hasText: 'the first tab is gone' }).count(), 1);
      alice.page = second;
    },
  ],
  [
    'server-away-write-reload-come-back',
    async () => {
      await alice.page.evaluate(() => navigator.serviceWorker.ready.then(() => null));
      await serverDown();
      await alice.page.locator('[data-offline]').waitFor();
      await say(alice.page, 'written while away');
      await state(alice.page, 'written while away', 'queued');
      await alice.page.reload(); // served from this browser
      await alice.page.locator('.row.own', { hasText: 'written while away' }).waitFor();
      await shot(alice.page, 'offline');
      await serverUp();
      await sees(bob.page, 'written while away');
      await alice.page.locator('[data-offline]').waitFor({ state: 'detached' });
      check('said once', await bob.page.locator('.row.other', { hasText: 'written while away' }).count(), 1);
    },
  ],
  [
    'three-in-a-group',
    async () => {
      await carol.join(await invite(alice.page), 'Карина');
      await carol.page.locator('.composer textarea').waitFor();
      await alice.page.locator('.chat-item', { hasText: 'Карина' }).waitFor();
      await newGroup(alice.page, 'Tea at six', ['بابک', 'Карина']);
      await say(alice.page, 'Is everybody here?');
      for (const p of [bob.page, carol.page]) {
        await openChat(p, 'Tea at six');
        await sees(p, 'everybody here');
      }
      await say(carol.page, 'Я здесь');
      await sees(alice.page, 'Я здесь');
      await sees(bob.page, 'Я здесь');
      await shot(carol.page, 'group-ru');
      await alice.page.locator('.head-title').click();
      const members = alice.page.locator('dialog .tall-list .person:not(.blank)');
      await members.nth(2).waitFor();
      check('three members', await members.count(), 3);
      await members.filter({ hasText: 'Карина' }).click();
      await alice.page.getByRole('menuitem', { name: 'Remove from the group' }).click();
      await alice.page.locator('dialog').last().locator('button.danger').last().click();
      await carol.page.locator('.closed').waitFor();
      await alice.page.keyboard.press('Escape');
      await say(alice.page, 'only we two now');
      await sees(bob.page, 'only we two now');
      check('not at the third\'s', await carol.page.locator('.row', { hasText: 'only we two now' }).count(), 0);
    },
  ],
  [
    'keyboard-only',
    async () => {
      const p = alice.page;
      await p.reload();
      await p.locator('.chat-item').first().waitFor();
      await p.keyboard.press('Control+k');
      await p.keyboard.type('بابک');
      await p.keyboard.press('Enter');
      await p.locator('.chat-head h1', { hasText: 'بابک' }).waitFor();
      await p.keyboard.type('no mouse was used');
      await p.keyboard.press('Enter');
      await openChat(bob.page, 'Alice');
      await sees(bob.page, 'no mouse was used');
    },
  ],
  [
    // As a browser does that runs out of disk, or a person who clears the site's data.
    'an-account-that-the-browser-cleared-away',
    async () => {
      const dan = await person();
      dan.page = await dan.tab(await invite(alice.page));
      await dan.page.locator('#name').fill('Dan');
      await dan.page.keyboard.press('Enter');
      await dan.page.locator('.composer textarea').waitFor();
      const origin = `http://127.0.0.1:${port}/`;
      await dan.page.goto('about:blank'); // the app is closed
      const cdp = await dan.context.newCDPSession(dan.page);
      await cdp.send('Storage.clearDataForOrigin', { origin, storageTypes: 'indexeddb,file_systems,service_workers,cache_storage' });
      await dan.page.goto(origin);
      await dan.page.locator('.problem', { hasText: 'the browser has cleared it away' }).waitFor();
      await dan.page.getByRole('button', { name: 'I already use' }).click();
      await dan.page.getByRole('button', { name: /With my twelve words/ }).waitFor();
      await dan.context.close();
    },
  ],
  [
    'accessible',
    async () => {
      check('axe alice', await axe(alice.page), []);
      check('axe bob, Persian, dark, phone', await axe(bob.page), []);
      check('axe carol, Russian', await axe(carol.page), []);
      await bob.page.locator('.back').click();
      check('axe bob, list', await axe(bob.page), []);
      await shot(bob.page, 'list-fa-dark-phone');
      check('no sideways scroll', await bob.page.evaluate(() => document.documentElement.scrollWidth), 390);
    },
  ],
  [
    'used-up-and-damaged-links',
    async () => {
      const dora = await person();
      const page = await dora.tab(`http://127.0.0.1:${port}/i#1.AAAA`);
      await page.locator('.problem', { hasText: 'damaged' }).first().waitFor();
      check('a way on', await page.locator('#link').count(), 1);
      await dora.context.close();
    },
  ],
  ...groupSteps({ alice, bob, carol, invite, openChat, say, sees, origin: `http://127.0.0.1:${port}/` }),
  ...talkSteps({ alice, bob, openChat, say, sees }),
  ...localSteps({ binary, browser, complaints, alice, bob, invite, openChat, say, sees, origin: `http://127.0.0.1:${port}/` }),
  // Last: who comes back by the words signs out the browser that Alice has used so far.
  ...deviceSteps({ person, alice, bob, openChat, say, sees }),
  [
    'the-server-holds-none-of-it',
    async () => {
      await serverDown();
      const words = ['Alice', 'City cyclists', 'Rides on', 'Night Owl', 'بابک', 'Карина', 'Nobody else', 'Tea at six', 'plan.bin', 'no mouse', 'Thomas', 'All sorts', 'at a terminal', 'back.bin'].map((w) => Buffer.from(w));
      const found = [];
      const walk = (dir) => {
        for (const f of readdirSync(dir)) {
          const path = join(dir, f);
          if (statSync(path).isDirectory()) walk(path);
          else for (const w of words) if (readFileSync(path).includes(w)) found.push(`${f}: ${w}`);
        }
      };
      walk(data);
      check('planted words on its disk', found, []);
    },
  ],
];

/** An own message with a file has got somewhere. */
async function state2(page, name) {
  await page.locator('.row.own', { hasText: name }).locator('.meta-line .state:is(.sent, .delivered, .read)').waitFor();
}

// While the server is away on purpose, browsers say so: that is no complaint.
const expected = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|WebSocket connection to|net::ERR_FAILED|An unknown error occurred when fetching the script/;

try {
  await steps(list.filter(([name]) => !only || name.includes(only)), browser);
  check('complaints of the pages (errors, policy)', [...new Set(complaints)].filter((c) => !expected.test(c)), []);
} finally {
  await browser.close();
  endLocal();
  server?.kill('SIGKILL');
  rmSync(data, { recursive: true, force: true });
}
