// Runs test/unit.ts: builds it with the project's own bundler and runs it here.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { check, root } from './harness.mjs';

const dir = mkdtempSync(join(tmpdir(), 'paperplane-unit-'));
try {
  execFileSync('go', ['run', './web', '-entry', 'test/unit.ts', '-out', dir], { cwd: join(root, 'tool'), stdio: ['ignore', 'ignore', 'inherit'] });
  const file = readdirSync(join(dir, 'assets')).find((f) => /^app-.*\.js$/.test(f));
  let n = 0;
  let work = Promise.resolve();
  const counted = (...a) => (n++, check(...a));
  runInNewContext(readFileSync(join(dir, 'assets', file), 'utf8'), { check: counted, finish: (w) => (work = Promise.all([work, w])), URL, Blob, Intl, TextDecoder, TextEncoder, atob, btoa, console, setTimeout });
  await work;
  console.log(`unit: ${n} checks`);
  if (n < 60) throw new Error(`only ${n} checks ran`);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
