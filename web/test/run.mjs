// Runs every browser test, each in a process of its own, and tells which failed.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const all = process.argv.length > 2 ? process.argv.slice(2) : ['text', 'unit', 'ui', 'talk', 'windows', 'living', 'e2e'];
const failed = all.filter((name) => {
  const start = performance.now();
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, `${name}.mjs`)], { stdio: 'inherit' });
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} web/test/${name}.mjs ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return status !== 0;
});
if (failed.length > 0) process.exit(1);
