// Draws web/icon/icon-*.png from icon.svg. Run by hand after a change of the mark; the pictures are committed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch, root } from './harness.mjs';

const browser = await launch();
const svg = readFileSync(join(root, 'web/icon/icon.svg'), 'utf8').replace('rx="14"', ''); // a launcher cuts its own corners
for (const size of [192, 512]) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(`<style>body{margin:0}svg{display:block;width:${size}px}</style>${svg}`);
  await page.screenshot({ path: join(root, `web/icon/icon-${size}.png`) });
}
await browser.close();
