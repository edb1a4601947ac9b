// What messages can be and how they are made, over canned people: marks, cards, media, polls, search.
import { axe, check, fakePages, steps } from './harness.mjs';

const only = process.argv[2]; // a part of a step's name
const { open, complaints, end } = await fakePages();
const box = (page) => page.locator('.composer textarea');
const rows = (page) => page.locator('.row');
const close = (page) => page.context().close();
// A row with this text is within the list's window: a mark fades at once where nothing moves.
const inView = (page, text) =>
  page.waitForFunction((s) => {
    const b = document.querySelector('.list')?.getBoundingClientRect();
    return b && [...document.querySelectorAll('.row')].some((r) => r.textContent.includes(s) && r.getBoundingClientRect().top >= b.top - 1 && r.getBoundingClientRect().top < b.bottom);
  }, text);
const hear = (page, text) => page.evaluate((s) => globalThis.fake.hear('c-ann', 'Ann', s), text);

const list = [
  [
    'marks-in-texts',
    async () => {
      for (const [lang, dark] of [['en', false], ['fa', true]]) {
        const page = await open('', { lang, dark });
        await page.chat('Ann');
        await hear(page, '*bold* _it_ ~no~ `a*b` ||the butler|| <b>x</b>\n> quoted\n- one\n- two\n```go\nfmt.Println("*as is*")\n```\nend');
        const row = rows(page).last();
        await row.locator('.fence').waitFor();
        check('elements', await row.evaluate((r) => ['b', 'i', 's', '.text code[dir]', 'blockquote', '.marks li', 'pre'].map((q) => [...r.querySelectorAll(q)].map((e) => e.textContent).join('|'))), ['bold', 'it', 'no', 'a*b', 'quoted', '•one|•two', 'fmt.Println("*as is*")']);
        check('people\'s text is no markup', await row.evaluate((r) => r.querySelector('.text').textContent.includes('<b>x</b>')), true);
        check('the row names no hidden word', (await row.getAttribute('aria-label')).includes('butler'), false);
        check('nor does the list', (await page.locator('.chat-item', { hasText: 'Ann' }).first().textContent()).includes('butler'), false);
        check(`axe ${lang}`, await axe(page), []);
        const spoiler = row.locator('.spoiler');
        check('hidden', await spoiler.evaluate((e) => getComputedStyle(e.firstElementChild).visibility), 'hidden');
        await spoiler.focus();
        await page.keyboard.press('Enter');
        await row.locator('.spoiler.shown', { hasText: 'the butler' }).waitFor();
        check('Enter showed it and opened no menu', await page.locator('[role=menu]').count(), 0);
        await row.locator('.fence button').click();
        check('copied as it is', await page.evaluate(() => navigator.clipboard.readText()), 'fmt.Println("*as is*")');
        await close(page);
      }
    },
  ],
  [
    'marks-by-keys-and-bar',
    async () => {
      const page = await open();
      await page.chat('Ann');
      await page.waitForTimeout(1200); // the later views are here
      await box(page).fill('one two');
      await page.keyboard.press('Control+Shift+ArrowLeft');
      await page.locator('.format-bar').waitFor();
      await page.keyboard.press('Control+b');
      check('bold', await box(page).inputValue(), 'one *two*');
      await page.keyboard.press('Control+b');
      check('off again', await box(page).inputValue(), 'one two');
      await page.locator('.format-bar button').nth(4).click();
      check('by the bar', await box(page).inputValue(), 'one ||two||');
      await page.keyboard.press('Control+z');
      check('undone', await box(page).inputValue(), 'one two');
      await page.keyboard.press('End');
      await page.locator('.format-bar').waitFor({ state: 'detached' });
      await close(page);
    },
  ],
  [
    'places-and-contacts',
    async () => {
      const page = await open();
      await page.chat('Ann');
      await hear(page, 'geo:35.6892,51.389');
      const row = rows(page).last();
      await row.locator('.card-line a').waitFor();
      check('the map is a link', await row.locator('.card-line a').getAttribute('href'), 'https://www.openstreetmap.org/?mlat=35.6892&mlon=51.389#map=16/35.6892/51.389');
      await page.evaluate(() => {
        const f = globalThis.fake;
        f.files.set('vc', new Blob(['BEGIN:VCARD\nFN:Ann Lee\nTEL:+1 555\nURL:javascript:alert(1)\nEND:VCARD']));
        f.put({ id: 'vc1', chat: 'c-ann', index: ++f.n, at: Date.now(), from: 'p-Ann', fromName: 'Ann', own: false, kind: 'file', state: 'received', files: [{ name: 'ann.vcf', mime: 'text/vcard', size: 80, state: 'local', ref: 'vc' }] });
      });
      await rows(page).last().getByText('Ann Lee').waitFor();
      check('links of a contact', await rows(page).last().locator('a').evaluateAll((all) => all.map((a) => a.getAttribute('href'))), ['tel:%2B1%20555']);
      check('axe', await axe(page), []);
      await close(page);
    },
  ],
  [
    'media-of-every-kind',
    async () => {
      for (const [lang, dark, size] of [['en', false, {}], ['fa', true, { width: 390, height: 844, touch: true }]]) {
        const page = await open('?as=talk', { lang, dark, ...size });
        await page.chat('Ann');
        await page.locator('.poll').nth(1).waitFor();
        const distance = () => page.evaluate(() => { const b = document.querySelector('.list'); return Math.round(b.scrollHeight - b.scrollTop - b.clientHeight); });
        await page.waitForTimeout(300);
        check('what came later did not move the reader from the end', await distance(), 0);
        const album = page.locator('.photos:not(.one)').first();
        check('an album in rows, each photo in its room', await album.evaluate((e) => [...e.children].map((r) => [r.children.length, Math.abs(r.clientWidth - e.clientWidth) <= 1, r.clientHeight > 40])), [[2, true, true], [3, true, true]]);
        check(`axe ${lang}`, await axe(page), []);
        await page.evaluate(() => document.querySelector('.photos:not(.one)').scrollIntoView({ block: 'center' }));
        await page.waitForTimeout(200);
        check(`axe ${lang} further up`, await axe(page), []);
        check('nothing sideways', await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);
        await close(page);
      }
    },
  ],
  [
    'voices-play-one-at-a-time-and-on',
    async () => {
      const page = await open('?as=talk');
      await page.chat('Ann');
      const voice = page.locator('.voice');
      await voice.nth(0).locator('button.disc').click();
      await voice.nth(0).locator('.speed').waitFor();
      await voice.nth(0).locator('.speed').click();
      check('speed', (await voice.nth(0).locator('.speed').textContent()).trim(), '1.5×');
      await voice.nth(1).locator('.speed').waitFor(); // the first has ended, the next plays
      check('one at a time', await page.locator('.voice .speed').count(), 1);
      await voice.nth(2).locator('.speed').waitFor();
      await voice.nth(2).getByRole('button', { name: 'Pause' }).click();
      await voice.nth(2).getByRole('button', { name: 'Play' }).waitFor();
      const slider = voice.nth(2).getByRole('slider');
      await slider.focus();
      await page.keyboard.press('Home');
      check('its words', (await slider.getAttribute('aria-valuetext')).replace(/[\u2068\u2069]/g, ''), '0:00 of 0:42');
      await close(page);
    },
  ],
  [
    'viewer-goes-zooms-and-closes',
    async () => {
      const page = await open('?as=talk');
      await page.chat('Ann');
      await page.locator('.photos:not(.one) .photo').nth(1).click();
      const shown = page.locator('.lightbox img.shown');
      await shown.waitFor();
      check('axe viewer', await axe(page), []);
      check('caption', await page.locator('.lightbox .caption').textContent(), 'The walk');
      const when = () => page.locator('.lightbox .when').textContent().then((s) => s.replace(/ · .*/, '').replace(/[\u2068\u2069]/g, ''));
      check('among all photos of the chat', await when(), '3 of 6');
      await page.keyboard.press('ArrowRight');
      check('next', await when(), '4 of 6');
      await page.keyboard.press('ArrowLeft');
      await page.keyboard.press('ArrowLeft');
      await page.keyboard.press('ArrowLeft');
      await page.keyboard.press('ArrowLeft');
      check('not beyond the first', await when(), '1 of 6');
      await page.keyboard.press('+');
      check('zoom by key', await shown.evaluate((e) => e.style.scale), '1.5');
      await page.keyboard.press('0');
      await page.mouse.move(640, 400);
      await page.mouse.wheel(0, -100);
      await page.waitForFunction(() => document.querySelector('.lightbox img.shown').style.scale === '1.2');
      await page.getByRole('button', { name: 'Forward' }).click();
      await page.locator('dialog h2', { hasText: 'Forward' }).waitFor();
      check('axe forward', await axe(page), []);
      await page.locator('dialog label.person', { hasText: 'Борис' }).click();
      await page.locator('dialog label.person', { hasText: 'Saved' }).click();
      await page.getByText('Without the author').click();
      await page.locator('dialog').getByRole('button', { name: 'Forward' }).click();
      await page.locator('dialog').waitFor({ state: 'detached' });
      check('asked', (await page.asked('forward')).map((a) => [a.messages.length, a.to, a.hide]), [[1, ['c-boris', 'c-saved'], true]]);
      await close(page);
      const phone = await open('?as=talk', { width: 390, height: 844, touch: true });
      await phone.chat('Ann');
      await phone.locator('.photos:not(.one) .photo').nth(1).tap();
      await phone.locator('.lightbox img.shown').waitFor();
      const swipe = (dx, dy) => phone.evaluate(([x, y]) => {
        const e = document.querySelector('.lightbox');
        e.setPointerCapture = () => {}; // these pointers are made by hand
        const at = (type, k) => e.querySelector('.shown').dispatchEvent(new PointerEvent(type, { pointerId: 7, pointerType: 'touch', clientX: 195 + x * k, clientY: 420 + y * k, bubbles: true }));
        at('pointerdown', 0);
        at('pointermove', 0.5);
        at('pointermove', 1);
      }, [dx, dy]).then(() => phone.waitForTimeout(50)).then(() => phone.evaluate(() => document.querySelector('.lightbox').dispatchEvent(new PointerEvent('pointerup', { pointerId: 7, pointerType: 'touch', bubbles: true }))));
      await swipe(-200, 0);
      await phone.locator('.lightbox .when', { hasText: /4.? of .?6/ }).waitFor();
      await swipe(0, 200);
      await phone.locator('.lightbox').waitFor({ state: 'detached' });
      await close(phone);
    },
  ],
  [
    'polls',
    async () => {
      const page = await open('?as=talk');
      await page.chat('Ann');
      const quiz = page.locator('.poll').nth(1);
      await quiz.getByRole('button', { name: 'December' }).click();
      check('vote', (await page.asked('vote')).map((a) => a.options), [[1]]);
      await quiz.getByText('It has the longest nights.').waitFor();
      check('the right one is said', (await quiz.locator('.result.right').textContent()).includes('(right)'), true);
      check('a quiz vote stands', await quiz.getByRole('button', { name: 'Take back' }).count(), 0);
      await page.locator('.poll').nth(0).getByRole('button', { name: 'Take back' }).click();
      check('taken back', (await page.asked('vote')).at(-1).options, []);
      await page.getByRole('button', { name: 'Attach' }).click();
      await page.getByRole('menuitem', { name: 'Poll' }).click();
      await page.getByLabel('Question').fill('Tea or coffee?');
      await page.getByRole('button', { name: 'Ask' }).click();
      await page.locator('.problem', { hasText: 'At least two' }).waitFor();
      check('axe poll', await axe(page), []);
      await page.getByLabel('Answer 1', { exact: true }).fill('Tea');
      await page.getByLabel('Answer 2', { exact: true }).fill('Coffee');
      await page.getByLabel('Answer 3', { exact: true }).fill('Both');
      await page.getByText('Several answers').click();
      await page.getByRole('button', { name: 'Ask' }).click();
      await page.locator('dialog').waitFor({ state: 'detached' });
      check('asked', (await page.asked('sendPoll')).map((a) => [a.question, a.options, a.several]), [['Tea or coffee?', ['Tea', 'Coffee', 'Both'], true]]);
      const own = page.locator('.poll').last();
      await own.getByRole('checkbox', { name: 'Tea' }).click();
      await own.getByRole('checkbox', { name: 'Both' }).click();
      await own.getByRole('button', { name: 'Vote' }).click();
      check('several', (await page.asked('vote')).at(-1).options, [0, 2]);
      await rows(page).last().click({ button: 'right' });
      await page.getByRole('menuitem', { name: 'End poll' }).click();
      await own.getByText('Poll has ended').waitFor();
      await close(page);
    },
  ],
  [
    'voices-are-recorded',
    async () => {
      for (const lang of ['en', 'fa']) {
        const page = await open('', { lang });
        await page.context().grantPermissions(['microphone']);
        await page.chat('Ann');
        await page.waitForTimeout(1200); // the later views are here
        const mic = page.locator('.mic');
        const held = async (ms, dx = 0, dy = 0) => {
          const b = await mic.boundingBox();
          await page.mouse.move(b.x + b.width / 2, b.y + b.height / 2);
          await page.mouse.down();
          await page.locator('.recorder').waitFor();
          await page.waitForFunction((least) => {
            const [m, s] = document.querySelector('.recorder .time').textContent.replace(/[۰-۹]/g, (d) => d.charCodeAt(0) - 0x6f0).split(':');
            return m * 60 + +s >= least;
          }, ms / 1000);
          for (let k = 1; k <= 4; k++) await page.mouse.move(b.x + b.width / 2 + (dx * k) / 4, b.y + b.height / 2 + (dy * k) / 4);
          await page.mouse.up();
        };
        const sent = () => page.asked('sendText');
        await held(2000);
        await page.locator('.voice').waitFor();
        const [f] = (await sent())[0].files;
        check(`${lang} held and let go`, [(await sent()).length, f.voice, f.mime.startsWith('audio/'), f.duration > 1000, atob(f.wave).length > 4, f.size > 100], [1, true, true, true, true, true]);
        await held(1000, lang === 'fa' ? 200 : -200);
        await page.locator('.recorder').waitFor({ state: 'detached' });
        check(`${lang} slid aside: dropped`, (await sent()).length, 1);
        await held(1000, 0, -120); // upwards: it stays on
        await page.locator('.recorder .send').waitFor();
        check(`${lang} axe recorder`, await axe(page), []);
        await page.keyboard.press('Escape');
        await page.locator('.recorder').waitFor({ state: 'detached' });
        check(`${lang} escape: dropped`, (await sent()).length, 1);
        await mic.focus();
        await page.keyboard.press('Enter');
        await page.locator('.recorder .time', { hasText: /[1۱]$/ }).waitFor();
        await page.keyboard.press('Enter'); // the focus is on send
        await page.locator('.voice').nth(1).waitFor();
        check(`${lang} by keys`, (await sent()).length, 2);
        await close(page);
      }
    },
  ],
  [
    'no-microphone-in-words',
    async () => {
      const page = await open();
      await page.evaluate(() => (navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'))));
      await page.chat('Ann');
      await page.waitForTimeout(1200);
      await page.locator('.mic').focus();
      await page.keyboard.press('Enter');
      await page.locator('.toast', { hasText: 'Allow the microphone' }).waitFor();
      await page.locator('.recorder').waitFor({ state: 'detached' });
      await close(page);
    },
  ],
  [
    'photo-is-cut-and-blurred-before-it-leaves',
    async () => {
      const page = await open();
      await page.chat('Ann');
      const png = await page.evaluate(async () => {
        const c = document.createElement('canvas');
        [c.width, c.height] = [400, 200];
        const g = c.getContext('2d');
        for (let x = 0; x < 400; x += 4) {
          g.fillStyle = (x / 4) % 2 ? '#fff' : '#000'; // fine stripes: what is blurred turns grey
          g.fillRect(x, 0, 4, 200);
        }
        return [...new Uint8Array(await (await new Promise((r) => c.toBlob(r))).arrayBuffer())];
      });
      await page.locator('input[type=file]').setInputFiles({ name: 'x.png', mimeType: 'image/png', buffer: Buffer.from(png) });
      await page.locator('.tray-item:not(.busy) .tray-edit').click();
      const photo = page.locator('.editor canvas');
      await photo.waitFor();
      check('axe editor', await axe(page), []);
      const range = () => photo.evaluate((c) => {
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        const spread = (x0, x1) => {
          let [lo, hi] = [255, 0];
          for (let x = x0; x < x1; x++) [lo, hi] = [Math.min(lo, d[(100 * c.width + x) * 4]), Math.max(hi, d[(100 * c.width + x) * 4])];
          return hi - lo;
        };
        return [spread(60, 140), spread(260, 340), c.width, c.height];
      });
      await page.getByRole('button', { name: 'Blur an area' }).click();
      const b = await photo.boundingBox();
      const drag = async (x0, y0, x1, y1) => {
        await page.mouse.move(b.x + b.width * x0, b.y + b.height * y0);
        await page.mouse.down();
        await page.mouse.move(b.x + b.width * x1, b.y + b.height * y1, { steps: 4 });
        await page.mouse.up();
      };
      await drag(0, 0, 0.5, 1);
      const [left, right] = await range();
      check('blurred here, sharp there', [left < 60, right > 200], [true, true]);
      await page.getByRole('button', { name: 'Undo' }).click();
      check('undone', (await range())[0] > 200, true);
      await page.getByRole('button', { name: 'Blur with a brush' }).click();
      await drag(0.02, 0.5, 0.48, 0.5);
      check('by the brush', [(await range())[0] < 90, (await range())[1] > 200], [true, true]);
      await page.getByRole('button', { name: 'Rotate' }).click();
      check('turned', (await range()).slice(2), [200, 400]);
      await page.getByRole('button', { name: 'Rotate' }).click();
      await page.getByRole('button', { name: 'Crop', exact: true }).click();
      await photo.focus();
      await page.keyboard.press('ArrowRight'); // a frame by keys
      await page.keyboard.press('Enter');
      check('cut', (await range()).slice(2).map((n) => Math.round(n / 10)), [21, 10]);
      await page.getByRole('button', { name: 'Done' }).click();
      await page.locator('dialog').waitFor({ state: 'detached' });
      await page.locator('.tray-item:not(.busy)').waitFor();
      await page.getByRole('button', { name: 'Send', exact: true }).click();
      const [f] = (await page.asked('sendText'))[0].files;
      check('sent as it is now', [Math.round(f.width / 10), Math.round(f.height / 10)], [21, 10]);
      await close(page);
    },
  ],
  [
    'bombs-folders-and-large-files',
    async () => {
      const page = await open();
      await page.chat('Ann');
      // A picture of 50,000 x 50,000 that says so in a few bytes.
      const bomb = Buffer.from('89504e470d0a1a0a0000000d494844520000c3500000c3500806000000' + '00'.repeat(40), 'hex');
      await page.locator('input[type=file]').setInputFiles({ name: 'bomb.png', mimeType: 'image/png', buffer: bomb });
      await page.locator('.refused').waitFor();
      await page.getByRole('button', { name: /Remove/ }).click();
      await page.evaluate((hex) => {
        const f = globalThis.fake;
        f.files.set('bomb', new Blob([Uint8Array.from(hex.match(/../g), (x) => parseInt(x, 16))], { type: 'image/png' }));
        f.put({ id: 'bomb', chat: 'c-ann', index: ++f.n, at: Date.now(), from: 'p-Ann', fromName: 'Ann', own: false, kind: 'file', state: 'received', files: [{ name: 'b.png', mime: 'image/png', size: 80, width: 100, height: 100, state: 'local', ref: 'bomb' }] });
      }, bomb.toString('hex'));
      await page.waitForTimeout(300);
      check('a bomb is not shown', await rows(page).last().locator('.sharp').count(), 0);
      // A folder, as the browser hands it over.
      await page.evaluate(() => {
        const file = (name) => ({ isFile: true, isDirectory: false, name, file: (done) => done(new File(['x'], name, { type: 'text/plain' })) });
        const folder = (name, all) => ({ isFile: false, isDirectory: true, name, createReader: () => ({ readEntries: (done) => done(all.splice(0, 2)) }) });
        const tree = folder('top', [file('b.txt'), file('.hidden'), folder('deep', [file('c.txt')]), folder('endless', Array.from({ length: 40 }, (_, i) => file(`n${i}.txt`)))]);
        const e = new DragEvent('drop', { bubbles: true, cancelable: true });
        Object.defineProperty(e, 'dataTransfer', { value: { types: ['Files'], files: [], items: [{ webkitGetAsEntry: () => tree }] } });
        document.body.dispatchEvent(e);
      });
      await page.locator('.toast').waitFor(); // more than a message takes
      check('files of a folder', await page.locator('.tray-item .file-name').evaluateAll((all) => all.slice(0, 3).map((x) => x.textContent)), ['b.txt', 'c.txt', 'n0.txt']);
      check('no more than a message takes', await page.locator('.tray-item').count(), 10);
      await close(page);
    },
  ],
  [
    'videos',
    async () => {
      const page = await open();
      await page.chat('Ann');
      const webm = await page.evaluate(async () => {
        const c = document.createElement('canvas');
        [c.width, c.height] = [160, 90];
        const g = c.getContext('2d');
        const rec = new MediaRecorder(c.captureStream(20), { mimeType: 'video/webm' });
        const parts = [];
        rec.ondataavailable = (e) => parts.push(e.data);
        rec.start();
        for (let i = 0; i < 25; i++) {
          g.fillStyle = `hsl(${i * 14} 80% 50%)`;
          g.fillRect(0, 0, 160, 90);
          await new Promise((r) => setTimeout(r, 40));
        }
        await new Promise((r) => ((rec.onstop = r), rec.stop()));
        return [...new Uint8Array(await new Blob(parts).arrayBuffer())];
      });
      await page.locator('input[type=file]').setInputFiles({ name: 'film.webm', mimeType: 'video/webm', buffer: Buffer.from(webm) });
      await page.locator('.tray-item:not(.busy)').waitFor();
      await page.getByText('Sent as it is').waitFor();
      await page.getByRole('button', { name: 'Send', exact: true }).click();
      const [f] = (await page.asked('sendText'))[0].files;
      check('a frame, its size', [f.width, f.height, f.preview.length > 20], [160, 90, true]);
      const tile = rows(page).last().getByRole('button', { name: 'Play video' });
      await tile.click();
      await page.waitForFunction(() => document.querySelector('.lightbox video')?.readyState >= 2);
      check('axe video', await axe(page), []);
      await page.keyboard.press('Escape');
      await page.locator('.lightbox').waitFor({ state: 'detached' });
      await close(page);
    },
  ],
  [
    'list-menu-and-swipe',
    async () => {
      const page = await open();
      const item = (name) => page.locator('.chat-item', { hasText: name }).first();
      const names = () => page.locator('.chats li .chat-name').allTextContents();
      await item('Reading circle').click({ button: 'right' });
      await page.locator('[role=menu]').waitFor();
      check('axe menu', await axe(page), []);
      await page.getByRole('menuitem', { name: 'Pin on top' }).click();
      check('pinned is first', (await names())[0], 'Reading circle');
      await item('Борис').focus();
      await page.keyboard.press('Shift+F10');
      await page.getByRole('menuitem', { name: 'Mute' }).click();
      await page.getByRole('menuitem', { name: 'Until I turn it on' }).click();
      check('muted', (await page.asked('setChat')).at(-1), { chat: 'c-boris', muted: -1 });
      await item('Борис').locator('.sr', { hasText: 'Muted' }).waitFor({ state: 'attached' });
      await item('Борис').click({ button: 'right' });
      await page.getByRole('menuitem', { name: 'Mark as unread' }).click();
      await item('Борис').locator('.dot').waitFor();
      await item('Борис').click({ button: 'right' });
      await page.getByRole('menuitem', { name: 'Archive' }).click();
      check('not among the chats', (await names()).some((n) => n.startsWith('Борис')), false);
      await page.getByRole('button', { name: /Archived/ }).click();
      check('but apart', (await names()).map((n) => n.slice(0, 5)), ['Борис']);
      check('axe archive', await axe(page), []);
      await page.locator('.toast button').click();
      check('taken back', (await names()).length > 4, true);
      await close(page);
      for (const lang of ['en', 'fa']) {
        const phone = await open('', { lang, width: 390, height: 844, touch: true });
        await phone.waitForTimeout(1200);
        const swipe = (name, dx) => phone.locator('.chat-item', { hasText: name }).first().evaluate((row, x) => {
          row.setPointerCapture = () => {};
          const at = (type, k) => row.dispatchEvent(new PointerEvent(type, { pointerId: 5, pointerType: 'touch', clientX: 200 + x * k, clientY: 300, bubbles: true }));
          at('pointerdown', 0);
          at('pointermove', 0.5);
          at('pointermove', 1);
          at('pointerup', 1);
        }, dx);
        const ahead = lang === 'fa' ? -1 : 1;
        await swipe('Ann', -60 * ahead);
        check(`${lang} a short swipe does nothing`, await phone.asked('setChat'), []);
        await swipe('Ann', -120 * ahead);
        await phone.locator('.toast').waitFor();
        check(`${lang} archived`, (await phone.asked('setChat')).at(-1), { chat: 'c-ann', archived: true });
        await swipe('Reading circle', 120 * ahead);
        check(`${lang} read`, (await phone.asked('markRead')).at(-1)?.chat, 'c-group');
        await close(phone);
      }
    },
  ],
  [
    'search-and-jump',
    async () => {
      const page = await open();
      await page.locator('#search').fill('thurs');
      const hit = page.locator('.found .chat-item', { hasText: 'Thursday is good' });
      await hit.waitFor();
      check('the word is marked', await hit.locator('mark').textContent(), 'Thurs');
      check('axe', await axe(page), []);
      await hit.click();
      await inView(page, 'Thursday is good');
      // Far back in a long chat: only the piece around it comes in.
      await page.locator('#search').fill('zebra');
      await page.locator('.found .chat-item', { hasText: 'Line 3.' }).click();
      await inView(page, 'Line 3.');
      check('in one step', (await page.asked('messages')).filter((a) => a.chat === 'c-boris').length <= 4, true);
      await page.locator('.to-end').waitFor();
      for (let i = 0; i < 8; i++) {
        await page.evaluate(() => { document.querySelector('.list').scrollTop += 1500; });
        await page.waitForTimeout(60);
      }
      const first = await page.evaluate(() => [...document.querySelectorAll('.row')].map((r) => Number(/Line (\d+)\./.exec(r.textContent)?.[1])).filter(Boolean));
      check('going down, no line is missing', first.every((n, i) => i === 0 || n === first[i - 1] + 1), true);
      check('and there are more than before', first.at(-1) > 60, true);
      await page.locator('.to-end').click();
      await rows(page).filter({ hasText: 'Line 700.' }).waitFor();
      check('read nothing up there', (await page.asked('markRead')).filter((a) => a.chat === 'c-boris'), []);
      // In one chat, by kind and by day.
      await page.chat('Reading circle');
      await page.getByRole('button', { name: 'Search in this chat' }).click();
      await page.locator('dialog .segments label', { hasText: 'Photos' }).click();
      await page.locator('dialog .hits .chat-item', { hasText: 'Photos of the last evening' }).waitFor();
      check('axe search', await axe(page), []);
      check('asked', (await page.asked('search')).at(-1), { chat: 'c-group', kind: 'photo', limit: 30 });
      const day = new Date(Date.now() - 3 * 86_400_000);
      await page.getByLabel('From day').fill(`${day.getFullYear()}-${String(day.getMonth() + 1).padStart(2, '0')}-${String(day.getDate()).padStart(2, '0')}`);
      await page.getByRole('button', { name: 'Go to this day' }).click();
      await page.locator('dialog').waitFor({ state: 'detached' });
      await inView(page, 'Всем привет');
      await close(page);
    },
  ],
  [
    'threads-silence-schedule-edits-hide',
    async () => {
      const page = await open();
      await page.chat('Ann');
      await page.waitForTimeout(1200);
      const key = await rows(page).filter({ hasText: 'Thursday is good' }).first().getAttribute('data-key');
      const row = page.locator(`.list [data-key="${key}"]`);
      await row.click({ button: 'right' });
      await page.getByRole('menuitem', { name: 'Reply' }).click();
      await box(page).fill('at six *sharp*');
      await page.locator('.send').click({ button: 'right' });
      await page.getByRole('menuitem', { name: 'Send without sound' }).click();
      check('silent', (await page.asked('sendText')).at(-1).silent, true);
      await rows(page).last().locator('.sr', { hasText: 'Sent without sound' }).first().waitFor({ state: 'attached' });
      await row.getByRole('button', { name: '1 answer' }).click();
      const dialog = page.locator('dialog.thread');
      await dialog.getByText('at six').waitFor();
      check('axe thread', await axe(page), []);
      await dialog.getByLabel('Answer in the thread').fill('or seven');
      await page.keyboard.press('Enter');
      await dialog.locator('.row', { hasText: 'or seven' }).waitFor();
      await page.keyboard.press('Escape');
      await box(page).fill('for later');
      await page.locator('.send').click({ button: 'right' });
      await page.getByRole('menuitem', { name: 'Send later' }).click();
      await page.locator('#schedule-at').fill('2020-01-01T10:00');
      await page.getByRole('button', { name: 'Schedule' }).click();
      await page.locator('.problem', { hasText: 'passed' }).waitFor();
      check('axe schedule', await axe(page), []);
      await page.locator('dialog .entry', { hasText: 'In an hour' }).click();
      await rows(page).last().locator('.corner .state.scheduled').waitFor();
      check('scheduled', (await page.asked('sendText')).at(-1).at > Date.now(), true);
      await rows(page).last().click({ button: 'right' });
      await page.getByRole('menuitem', { name: 'Send now' }).click();
      check('now', (await page.asked('sendNow')).length, 1);
      await rows(page).filter({ hasText: 'Shall we meet on Thursday' }).first().click({ button: 'right' });
      await page.getByRole('menuitem', { name: 'Earlier versions' }).click();
      await page.locator('.edits', { hasText: 'Wednesday' }).waitFor();
      check('axe edits', await axe(page), []);
      await page.keyboard.press('Escape');
      await row.click({ button: 'right' });
      await page.getByRole('menuitem', { name: 'Delete for me' }).click();
      await page.locator('dialog').getByRole('button', { name: 'Delete' }).click();
      await row.waitFor({ state: 'detached' });
      check('hidden', (await page.asked('hide')).length, 1);
      await page.locator('.head-title').click();
      await page.getByLabel('Disappearing messages').selectOption('86400');
      check('vanish', (await page.asked('setVanish')).at(-1), { chat: 'c-ann', seconds: 86400 });
      await close(page);
    },
  ],
  [
    'several-messages-at-once',
    async () => {
      const page = await open();
      await page.chat('Ann');
      await page.waitForTimeout(1200);
      const row = (text) => page.locator('.list .row', { hasText: text }).last();
      await row('Got both').click({ button: 'right' });
      await page.getByRole('menuitem', { name: 'Select' }).click();
      await row('Six.').click();
      await row('See you there').focus();
      await page.keyboard.press('Enter');
      await page.locator('.select-bar', { hasText: '3 selected' }).waitFor();
      check('axe selecting', await axe(page), []);
      await row('See you there').click();
      await page.getByRole('button', { name: 'Copy text' }).click();
      check('copied in their order', await page.evaluate(() => navigator.clipboard.readText()), 'Six.\nGot both. Thank you!');
      await row('Got both').click({ button: 'right' });
      await page.getByRole('menuitem', { name: 'Select' }).click();
      await row('Six.').click();
      await page.getByRole('button', { name: 'Forward' }).click();
      await page.locator('dialog label.person', { hasText: 'Saved' }).click();
      await page.locator('dialog').getByRole('button', { name: 'Forward' }).click();
      await page.locator('.chat-head h1', { hasText: 'Saved' }).waitFor();
      check('in their order', (await page.asked('forward'))[0].messages.length, 2);
      await page.chat('Ann');
      await row('Six.').click({ button: 'right' });
      await page.getByRole('menuitem', { name: 'Select' }).click();
      await page.locator('.composer').waitFor({ state: 'hidden' });
      await page.waitForTimeout(300); // the bar listens to keys a moment after it is drawn
      await page.keyboard.press('Escape');
      await page.locator('.composer').waitFor();
      await close(page);
    },
  ],
  [
    'storage',
    async () => {
      const page = await open();
      await page.getByRole('button', { name: 'Settings' }).click();
      await page.locator('dialog .entry', { hasText: 'Storage' }).click();
      await page.getByText('12 files').waitFor();
      check('axe storage', await axe(page), []);
      await page.getByLabel('Only what is older than').selectOption('30');
      await page.getByRole('button', { name: /Free up space:.*Reading circle/ }).click();
      await page.locator('dialog.narrow').getByRole('button', { name: 'Free up space' }).click();
      await page.locator('.toast', { hasText: '1.2 MB' }).waitFor();
      const [a] = await page.asked('clearFiles');
      check('asked', [a.chat, Math.round((Date.now() - a.before) / 86_400_000)], ['c-group', 30]);
      await close(page);
    },
  ],
];

await steps(list.filter(([name]) => !only || name.includes(only)));
check('nothing complained', complaints, []);
await end();
