// Draws web/icon/icon-*.png from icon.svg. Run by hand after a change of the mark; the pictures are committed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch, root } from './harness.mjs';

const browser = await launch();
const svg = readFileSync(join(root, 'web/icon/icon.svg'), 'utf8').replace('rx="14"', ''); // a launcher cuts its own corners
// A mask leaves a circle of four fifths: the mark is smaller in it.
const inner = svg.replace('translate(9 9) scale(.72)', 'translate(13.5 13.5) scale(.58)');
for (const size of [192, 512, 'maskable-512']) {
  const wide = parseInt(String(size).replace(/\D/g, ''), 10);
  const page = await browser.newPage({ viewport: { width: wide, height: wide } });
  await page.setContent(`<style>body{margin:0}svg{display:block;width:${wide}px}</style>${size === wide ? svg : inner}`);
  await page.screenshot({ path: join(root, `web/icon/icon-${size}.png`) });
}
await browser.close();
