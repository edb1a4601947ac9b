// What the browser tests share: a browser, a server with the product's own headers, checks that print got and want.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, extname, join, resolve } from 'node:path';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);
export const root = resolve(import.meta.dirname, '../..');
export const artifacts = join(root, 'web/test/artifacts');
mkdirSync(artifacts, { recursive: true });

/** The browser: $CHROMIUM, else chromium in PATH, else the one packed in the lock file's package. */
export async function launch() {
  const args = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
  let path = process.env.CHROMIUM;
  if (!path) {
    for (const dir of (process.env.PATH ?? '').split(delimiter)) {
      for (const name of ['chromium', 'chromium-browser', 'google-chrome']) if (!path && existsSync(join(dir, name))) path = join(dir, name);
    }
  }
  if (!path) {
    // Its own flags are for one page in one process, in which a second person's page ends the browser: ours serve.
    path = await (await import('@sparticuz/chromium')).default.executablePath();
  }
  return chromium.launch({ executablePath: path, args, headless: true });
}

/** The Content-Security-Policy of the product, read where it is written. */
export function policy() {
  const source = readFileSync(join(root, 'face/web/handler.go'), 'utf8');
  const m = /const Policy = ((?:"[^"]*"\s*\+?\s*)+)/.exec(source);
  if (!m) throw new Error('no Policy in face/web/handler.go');
  return [...m[1].matchAll(/"([^"]*)"/g)].map((x) => x[1]).join('');
}

const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.png': 'image/png', '.webmanifest': 'application/manifest+json', '.json': 'application/json' };

/** Serves a built directory as the product would. */
export async function serve(dir) {
  const csp = policy();
  const server = createServer((q, a) => {
    const path = new URL(q.url, 'http://x').pathname;
    const name = ['/', '/i', '/d'].includes(path) ? 'index.html' : path.slice(1);
    const file = join(dir, name);
    if (name.includes('..') || !existsSync(file)) return a.writeHead(404).end();
    a.writeHead(200, { 'Permissions-Policy': 'microphone=(self), geolocation=(self)', 'Content-Type': types[extname(file)] ?? 'application/octet-stream', 'Content-Security-Policy': csp, 'Cache-Control': 'no-cache', 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' });
    a.end(readFileSync(file));
  });
  await new Promise((r) => server.listen(0, '127.0.0.1', r));
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

/** Builds the app over the fake core into dir. */
export function buildFake(dir) {
  execFileSync('go', ['run', './web', '-entry', 'test/fakemain.ts', '-out', dir], { cwd: join(root, 'tool'), stdio: ['ignore', 'ignore', 'inherit'] });
}

/** The app over canned people: open() gives a page of it, as somebody, in a window of its own. */
export async function fakePages() {
  const dir = mkdtempSync(join(tmpdir(), 'paperplane-ui-'));
  buildFake(dir);
  const server = await serve(dir);
  const browser = await launch();
  const complaints = [];
  async function open(query = '', { lang = 'en', dark = false, width = 1280, height = 800, touch = false, as = '' } = {}) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', hasTouch: touch, isMobile: touch, serviceWorkers: 'block', reducedMotion: 'reduce', permissions: ['clipboard-read', 'clipboard-write'] });
    await context.addInitScript(([l, who]) => (localStorage.getItem('pp.lang') ?? localStorage.setItem('pp.lang', l), sessionStorage.setItem('as', who)), [lang, as]);
    const page = await context.newPage();
    page.setDefaultTimeout(8000);
    watch(page, complaints);
    await page.goto(`${server.origin}/${query}`);
    await page.locator('.app, .gate form, .gate a.button, .gate [role=alert]').first().waitFor();
    page.chat = async (name) => {
      await page.locator('.chat-item', { hasText: name }).first().click();
      await page.locator('.chat-head').waitFor();
    };
    page.asked = (cmd) => page.evaluate((c) => globalThis.fake.log.filter(([x]) => x === c).map(([, a]) => a), cmd);
    page.happens = (event) => page.evaluate((e) => globalThis.fake.event(e), event);
    return page;
  }
  const end = async () => {
    await browser.close();
    server.close();
    rmSync(dir, { recursive: true, force: true });
  };
  return { open, complaints, end, origin: server.origin };
}

/** Collects what a page complains about: errors, and reports of the policy. */
export function watch(page, into) {
  page.on('console', (m) => {
    if (m.type() === 'error' || /Content Security Policy|Trusted/i.test(m.text())) into.push(`console: ${m.text()} ${m.location().url}`);
  });
  page.on('pageerror', (e) => into.push(`page: ${e.message}`));
}

/** Makes a group of contacts and waits for its chat. */
export async function newGroup(page, group, people) {
  await page.getByRole('button', { name: 'New group' }).click();
  await page.getByLabel('Group name').fill(group);
  for (const name of people) await page.locator('dialog .person', { hasText: name }).click();
  await page.getByRole('button', { name: 'Create' }).click();
  await page.locator('.chat-head h1', { hasText: group }).waitFor();
}

/** All accessibility findings of a page, in short. */
export async function axe(page) {
  const source = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(source); // by the debugger's way: the page's policy forbids a script element
  const result = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  return result.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')}: ${(n.any[0] ?? n.all[0] ?? n.none[0])?.message ?? v.help}`));
}

let failures = 0;

export function check(name, got, want) {
  const [g, w] = [JSON.stringify(got), JSON.stringify(want)];
  if (g === w) return;
  failures++;
  process.exitCode = 1;
  console.error(`FAIL ${name}\n  got  ${g}\n  want ${w}`);
}

/** Waits until a link with its secret has left the address bar. */
export const bare = (page) => page.waitForURL((u) => u.pathname === '/' && u.hash === '');

/** Runs named steps in order; an exception fails its step and the run goes on. Pages of the browser are photographed then. */
export async function steps(list, browser = null) {
  for (const [name, f] of list) {
    const start = performance.now();
    const before = failures;
    try {
      await f();
    } catch (e) {
      failures++;
      process.exitCode = 1;
      console.error(`FAIL ${name}: ${e.stack ?? e}`);
      const pages = browser?.contexts().flatMap((c) => c.pages()) ?? [];
      for (const [i, page] of pages.entries()) await page.screenshot({ path: join(artifacts, `fail-${name}-${i}.png`), timeout: 10_000 }).catch(() => {});
    }
    console.log(`${failures === before ? 'ok  ' : 'FAIL'} ${name} ${Math.round(performance.now() - start)} ms`);
  }
}

/** Starts a program and answers once a line of its output matches. */
export function startProgram(path, args, options, ready) {
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let out = '';
  return new Promise((done, fail) => {
    const take = (b) => {
      out += b;
      const m = ready.exec(out);
      if (m) done({ child, match: m, output: () => out });
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('exit', (code) => fail(new Error(`${path} ended with ${code}: ${out}`)));
  });
}
