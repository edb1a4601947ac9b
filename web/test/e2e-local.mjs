// Steps of e2e.mjs with a native account: a person at a terminal among people in browsers, and the page that
// `paperplane app` serves; and browsers that keep nothing.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { artifacts, check, newGroup, startProgram, watch } from './harness.mjs';

const home = mkdtempSync(join(tmpdir(), 'paperplane-home-'));
const env = { env: { ...process.env, PAPERPLANE_HOME: home } };
const running = [];

/** Ends what is still running and takes the account away. */
export function endLocal() {
  for (const c of running) c.removeAllListeners('exit').kill('SIGKILL');
  rmSync(home, { recursive: true, force: true });
}

const red = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC', 'base64');

// What a worker of a private window meets, by the browser's kind. Init scripts do not reach workers, so it goes before theirs.
const private_ = {
  'no-file-system': `navigator.storage.getDirectory = () => Promise.reject(new DOMException('', 'SecurityError'));`,
  'no-handles': `FileSystemFileHandle.prototype.createSyncAccessHandle = () => Promise.reject(new DOMException('', 'InvalidStateError'));`,
  'no-key-store': `IDBFactory.prototype.open = () => { throw new DOMException('', 'SecurityError'); };`,
};

export function localSteps({ binary, browser, complaints, alice, bob, invite, openChat, say, sees, origin }) {
  /** Runs a command of the person at the terminal to its end; answers what it printed. */
  const terminal = (...args) =>
    new Promise((done, fail) => {
      const c = spawn(binary, args, { ...env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 });
      let out = '';
      let err = '';
      c.stdout.on('data', (b) => (out += b));
      c.stderr.on('data', (b) => (err += b));
      c.on('exit', (code) => (code === 0 ? done(out) : fail(new Error(`paperplane ${args[0]} ended with ${code}: ${err}`))));
    });
  /** Starts a command that goes on; its until(text) resolves once it has printed text. */
  const follow = async (args, ready) => {
    const p = await startProgram(binary, args, env, ready);
    running.push(p.child);
    p.until = (text) =>
      new Promise((done, fail) => {
        const timer = setTimeout(() => fail(new Error(`never printed ${text}: ${p.output()}`)), 30_000);
        const look = () => p.output().includes(text) && (clearTimeout(timer), done());
        p.child.stdout.on('data', look);
        look();
      });
    return p;
  };
  /** Interrupts a command and waits for its end. */
  const stop = (p) =>
    new Promise((done, fail) => {
      if (p.child.exitCode !== null) return fail(new Error(`it had ended already: ${p.output()}`));
      const timer = setTimeout(() => fail(new Error('it does not end')), 30_000);
      p.child.removeAllListeners('exit').once('exit', () => (clearTimeout(timer), done()));
      p.child.kill('SIGINT');
    });
  let address = '';
  let program;
  let page;
  const context = () => browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', acceptDownloads: true });

  return [
    [
      'a-person-at-a-terminal',
      async () => {
        await terminal('join', await invite(alice.page), '--name', 'Thomas');
        await alice.page.locator('.chat-item', { hasText: 'Thomas' }).waitFor();
        await newGroup(alice.page, 'All sorts', ['بابک', 'Thomas']);
        await say(alice.page, 'two in browsers, one at a terminal');
        while (!(await terminal('contacts')).includes('All sorts')); // each time it asks the server
        const reader = await follow(['read', 'All sorts', '--follow'], /one at a terminal/);
        await terminal('send', 'All sorts', 'typed at a terminal'); // through the one that follows
        await sees(alice.page, 'typed at a terminal');
        await openChat(bob.page, 'All sorts');
        await sees(bob.page, 'typed at a terminal');
        await bob.page.locator('.composer textarea').fill('از گوشی');
        await bob.page.locator('button.send').tap();
        await reader.until('از گوشی');
        await sees(alice.page, 'از گوشی');
        await stop(reader);
      },
    ],
    [
      'the-local-page-wants-its-token',
      async () => {
        program = await follow(['app'], /http:\/\/127\.0\.0\.1:\d+\/\?token=\S+/);
        address = program.match[0];
        const c = await context();
        const stranger = await c.newPage();
        for (const url of [address.replace(/\?.*/, ''), address.replace(/token=.*/, 'token=wrong'), address.replace(/\?.*/, 'files/x')]) {
          const answer = await stranger.goto(url);
          check(`${new URL(url).search || url.slice(-8)} is refused`, answer.status(), 403);
          check('no cookie', (await c.cookies()).length, 0);
        }
        // Another page of this browser, even with the cookie there, gets nothing.
        await stranger.goto(address);
        await stranger.locator('.chat-item').first().waitFor();
        await stranger.goto(origin);
        const local = new URL(address).origin;
        const got = await stranger.evaluate((o) => fetch(`${o}/files/x`, { credentials: 'include', mode: 'no-cors' }).then((r) => `answer ${r.type}`, () => 'nothing'), local);
        check('another page\'s fetch', got, 'nothing');
        await c.close();
      },
    ],
    [
      'the-local-page-does-everything',
      async () => {
        const c = await context();
        page = await c.newPage();
        page.setDefaultTimeout(30_000);
        watch(page, complaints);
        await page.goto(address);
        await page.locator('.chat-item', { hasText: 'All sorts' }).waitFor();
        check('the token has left the address bar', page.url(), `${new URL(address).origin}/`);
        await openChat(page, 'All sorts');
        await page.locator('.row.own', { hasText: 'typed at a terminal' }).waitFor();
        await say(page, 'from the local page');
        await sees(alice.page, 'from the local page');
        await say(alice.page, 'to the local page');
        await sees(page, 'to the local page');
        await page.locator('.composer input[type=file]').setInputFiles({ name: 'red.png', mimeType: 'image/png', buffer: red });
        await page.locator('.tray-item:not(.busy)').waitFor();
        await page.locator('button.send').click();
        await alice.page.locator('.row.other .photo .sharp').last().waitFor();
        const body = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 17 + (i >> 7)) & 255));
        await alice.page.locator('.composer input[type=file]').setInputFiles({ name: 'back.bin', mimeType: 'application/octet-stream', buffer: body });
        await alice.page.locator('.tray-item:not(.busy)').waitFor();
        await alice.page.locator('button.send').click();
        const file = page.locator('.row.other .file', { hasText: 'back.bin' });
        await file.locator('button').click();
        await file.locator('button[aria-label^="Save"]').waitFor();
        const [download] = await Promise.all([page.waitForEvent('download'), file.locator('button').click()]);
        check('the same bytes', readFileSync(await download.path()).equals(body), true);
        await page.reload();
        await page.locator('.row.own', { hasText: 'from the local page' }).waitFor();
        await page.locator('.row.own .photo .sharp').waitFor();
        const second = await c.newPage();
        watch(second, complaints);
        await second.goto(page.url());
        await second.locator('.chat-item', { hasText: 'All sorts' }).click();
        await say(second, 'from a second tab');
        await page.locator('.row.own', { hasText: 'from a second tab' }).waitFor();
        await second.close();
        await terminal('send', 'All sorts', 'beside the open page');
        await page.locator('.row.own', { hasText: 'beside the open page' }).waitFor();
        await page.locator('.sidebar .bar .quiet').last().click();
        await page.locator('dialog .about, dialog').first().waitFor();
        check('it says where its code is from', await page.locator('dialog', { hasText: 'program on your own computer' }).count(), 1);
        await page.screenshot({ path: join(artifacts, 'local.png') });
        await page.keyboard.press('Escape');
        await stop(program);
        await page.locator('.banner', { hasText: 'One moment' }).waitFor();
        await c.close();
      },
    ],
    [
      'a-window-that-keeps-nothing',
      async () => {
        const link = await invite(alice.page);
        for (const [what, script] of Object.entries(private_)) {
          // The permission: to Chromium a worker whose text was changed on its way comes from nowhere near.
          const c = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', serviceWorkers: 'block', permissions: ['local-network-access'] });
          let changed = 0;
          await c.route('**/assets/worker-*.js', async (route) => {
            const r = await route.fetch();
            changed++;
            await route.fulfill({ response: r, body: `${script}\n${await r.text()}` });
          });
          const p = await c.newPage();
          p.setDefaultTimeout(30_000);
          watch(p, complaints);
          await p.goto(link);
          await p.locator('#name').fill(what);
          await p.keyboard.press('Enter');
          await p.locator('.banner', { hasText: 'keeps nothing' }).waitFor();
          check(`${what}: the worker was changed`, changed, 1);
          await p.locator('.composer textarea').waitFor();
          await say(p, `hello from ${what}`);
          await openChat(alice.page, what);
          await sees(alice.page, `hello from ${what}`);
          await p.reload();
          await p.locator('#link').waitFor(); // a new start: nothing was kept
          await c.close();
        }
      },
    ],
  ];
}
