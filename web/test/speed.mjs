// How long a first visit takes at 10 Mbit/s and 40 ms: until the name field can be used, and until somebody has joined.
// Needs bin/paperplane with assets: make build. PAPERPLANE names another binary. Prints; fails only with --strict.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch, root } from './harness.mjs';

const limit = 1500;
const freePort = () => new Promise((r) => { const s = createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => r(port)); }); });

const data = mkdtempSync(join(tmpdir(), 'pp-speed-'));
const origin = `http://127.0.0.1:${await freePort()}`;
const server = spawn(process.env.PAPERPLANE ?? join(root, 'bin/paperplane'), ['serve', '--data', data, '--listen', origin.slice(7)], { stdio: 'ignore' });
const browser = await launch();
let worst = 0;
try {
  for (let i = 0; ; i++) {
    if (await fetch(`${origin}/healthz`).then((r) => r.ok, () => false)) break;
    if (i > 200) throw new Error('the server does not become healthy');
    await new Promise((r) => setTimeout(r, 50));
  }
  const invite = readFileSync(join(data, 'invite.txt'), 'utf8').trim();
  for (let run = 1; run <= 3; run++) {
    const context = await browser.newContext(); // cold: no cache, no worker
    const page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    await cdp.send('Network.enable');
    await cdp.send('Network.emulateNetworkConditions', { offline: false, latency: 40, downloadThroughput: 1_250_000, uploadThroughput: 1_250_000 });
    const start = performance.now();
    await page.goto(invite, { waitUntil: 'commit' });
    const name = page.locator('#name');
    await name.waitFor();
    await name.fill('Speed');
    const interactive = performance.now() - start;
    await name.press('Enter');
    await page.locator('.chat-list, .chat-item, .composer').first().waitFor({ timeout: 60_000 });
    const joined = performance.now() - start;
    worst = Math.max(worst, interactive);
    console.log(`FIGURE interactive run=${run} name-field=${Math.round(interactive)} ms joined=${Math.round(joined)} ms (limit ${limit} ms at 10 Mbit/s, 40 ms)`);
    await context.close();
  }
} finally {
  await browser.close();
  server.kill();
  await new Promise((r) => server.once('exit', r));
  rmSync(data, { recursive: true, force: true });
}
if (process.argv.includes('--strict') && worst > limit) process.exit(1);
