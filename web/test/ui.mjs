// The views over canned people: odd states, keys, accessibility, narrow pages, the policy. No core, no server of ours.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { artifacts, axe, bare, check, fakePages, steps } from './harness.mjs';

const only = process.argv[2]; // a part of a step's name
const { open, complaints, end } = await fakePages();
const box = (page) => page.locator('.composer textarea');
const rows = (page) => page.locator('.row');
const close = (page) => page.context().close();

// A JPEG of 2000x1000 with an EXIF block that names a place: drawn in the browser, the block put in by hand.
async function photoWithPlace(page) {
  const plain = Buffer.from(
    await page.evaluate(async () => {
      const c = document.createElement('canvas');
      c.width = 2000;
      c.height = 1000;
      const g = c.getContext('2d');
      for (let i = 0; i < 400; i++) {
        g.fillStyle = `hsl(${i} 60% 50%)`;
        g.fillRect((i * 37) % 2000, (i * 53) % 1000, 90, 60);
      }
      const b = await new Promise((r) => c.toBlob(r, 'image/jpeg', 0.95));
      let s = '';
      for (const x of new Uint8Array(await b.arrayBuffer())) s += String.fromCharCode(x);
      return btoa(s);
    }),
    'base64',
  );
  const body = Buffer.from('Exif\0\0MM\0*\0\0\0\x08GPS 59.9343N 30.3351E secret-place', 'latin1');
  const head = Buffer.from([0xff, 0xe1, 0, body.length + 2]);
  return Buffer.concat([plain.subarray(0, 2), head, body, plain.subarray(2)]);
}

const list = [
  [
    'accessible-and-within-320px',
    async () => {
      for (const [lang, dark] of [['en', false], ['fa', true]]) {
        const page = await open('', { lang, dark });
        const look = async (what) => check(`axe ${lang} ${dark ? 'dark' : 'light'} ${what}`, await axe(page), []);
        await look('list');
        await page.chat('Reading circle');
        await look('group');
        await page.locator('.head-title').click();
        await page.locator('dialog .tall-list button').first().waitFor();
        await look('about group');
        await page.keyboard.press('Escape');
        await page.chat('Ann');
        await look('chat');
        await rows(page).last().click({ button: 'right' });
        await page.locator('[role=menu]').waitFor();
        await look('message menu');
        await page.keyboard.press('Escape');
        await page.locator('.box button').click();
        await page.locator('.emoji-grid').waitFor();
        await look('emoji');
        await page.keyboard.press('Escape');
        for (const [i, what] of ['invite', 'new group', 'settings'].entries()) {
          await page.locator('.sidebar .bar .quiet').nth(i).click();
          await page.locator('dialog[open]').waitFor();
          await page.waitForTimeout(120);
          await look(what);
          await page.keyboard.press('Escape');
          await page.locator('dialog[open]').waitFor({ state: 'detached' });
        }
        await close(page);
        for (const query of ['?as=new', '?as=alone', '?as=broken', '?as=ended', '?as=volatile']) {
          const p = await open(query, { lang, dark, width: 320, height: 600 });
          check(`axe ${lang} ${query}`, await axe(p), []);
          check(`320px ${lang} ${query}`, await p.evaluate(() => document.documentElement.scrollWidth), 320);
          await close(p);
        }
        const narrow = await open('', { lang, dark, width: 320, height: 600 });
        for (const name of ['Ann', 'Reading circle']) {
          await narrow.chat(name);
          await narrow.evaluate(() => Object.assign(document.querySelector('.pane').style, { animation: 'none', translate: '1rem 0' })); // as while it comes in
          check(`320px ${lang} ${name}`, await narrow.evaluate(() => [document.documentElement.scrollWidth, document.querySelector('.list').scrollWidth]), [320, 320]);
          await narrow.locator('.back').click();
        }
        await narrow.locator('.sidebar .bar .quiet').nth(2).click();
        await narrow.locator('.sheet-body').waitFor();
        check(`320px ${lang} settings`, await narrow.evaluate(() => { const d = document.querySelector('.sheet-body'); return d.scrollWidth - d.clientWidth; }), 0);
        await close(narrow);
      }
    },
  ],
  [
    'accessible-in-the-other-theme',
    async () => {
      for (const [lang, dark] of [['en', true], ['fa', false], ['ru', false]]) {
        const page = await open('', { lang, dark });
        await page.chat('Ann');
        check(`axe ${lang} ${dark ? 'dark' : 'light'} chat`, await axe(page), []);
        await page.chat('Reading circle');
        check(`axe ${lang} ${dark ? 'dark' : 'light'} group`, await axe(page), []);
        await close(page);
      }
    },
  ],
  [
    'keys-only',
    async () => {
      const page = await open();
      await page.keyboard.press('Control+k');
      await page.keyboard.type('reading');
      await page.keyboard.press('Enter');
      check('opened', await page.locator('.chat-head h1').textContent(), 'Reading circle');
      check('focus is in the box', await page.evaluate(() => document.activeElement?.matches('.composer textarea')), true);
      await page.keyboard.type('one');
      await page.keyboard.press('Shift+Enter');
      await page.keyboard.type('two');
      await page.keyboard.press('Enter');
      check('sent', (await page.asked('sendText')).map((a) => a.text), ['one\ntwo']);
      await rows(page).last().getByText('one').waitFor();
      check('box is empty', await box(page).inputValue(), '');
      await page.keyboard.press('ArrowUp');
      check('up edits the last', await box(page).inputValue(), 'one\ntwo');
      await page.keyboard.press('Escape');
      check('escape leaves the edit', await box(page).inputValue(), '');
      await page.keyboard.press('ArrowUp');
      await box(page).fill('three');
      await page.keyboard.press('Enter');
      check('edited', (await page.asked('edit')).map((a) => a.text), ['three']);
      await page.keyboard.press('Alt+ArrowDown'); // one's own message has made the group the newest
      await page.locator('.chat-head h1', { hasText: 'Ann' }).waitFor();
      await page.keyboard.press('Escape');
      await page.locator('.empty').waitFor();
      // A message's menu: into the list, up, Enter.
      await page.chat('Ann');
      await page.locator('.list').focus();
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('Enter');
      await page.locator('[role=menu]').waitFor();
      check('menu has the focus', await page.evaluate(() => document.activeElement?.getAttribute('role')), 'menuitem');
      await page.keyboard.press('ArrowUp'); // around to the last: delete
      await page.keyboard.press('Enter');
      await page.locator('dialog[open]').waitFor();
      await page.keyboard.press('Escape');
      await page.locator('dialog[open]').waitFor({ state: 'detached' });
      check('nothing deleted without a yes', await page.asked('delete'), []);
      await page.keyboard.press('?');
      await close(page);
    },
  ],
  [
    'input-method-keeps-enter',
    async () => {
      const page = await open();
      await page.chat('Ann');
      await box(page).fill('にほん');
      const sent = () => page.asked('sendText').then((a) => a.length);
      await page.evaluate(() => document.querySelector('.composer textarea').dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true, cancelable: true })));
      check('composing', await sent(), 0);
      await page.keyboard.press('Enter');
      check('not composing', await sent(), 1);
      await close(page);
    },
  ],
  [
    'touch-enter-is-a-new-line',
    async () => {
      const page = await open('', { width: 390, height: 844, touch: true });
      await page.locator('.chat-item', { hasText: 'Ann' }).tap();
      check('no keyboard pops up', await page.evaluate(() => document.activeElement?.tagName === 'TEXTAREA'), false);
      await box(page).tap();
      await page.keyboard.type('a');
      await page.keyboard.press('Enter');
      await page.keyboard.type('b');
      check('text', await box(page).inputValue(), 'a\nb');
      check('nothing sent', await page.asked('sendText'), []);
      await page.goBack();
      await page.locator('.chats').waitFor({ state: 'visible' });
      check('the phone\'s back key leads to the list', await page.locator('.chat-head').count(), 0);
      await close(page);
    },
  ],
  [
    'reply-react-edit-delete',
    async () => {
      const page = await open();
      await page.chat('Ann');
      const row = rows(page).filter({ hasText: 'Thursday is good' });
      await row.click({ button: 'right' });
      const key = (await row.getAttribute('data-key')).slice(1);
      await page.getByRole('menuitem', { name: 'Reply' }).click();
      await page.locator('.above', { hasText: 'Ann' }).waitFor();
      await box(page).fill('yes');
      await page.keyboard.press('Enter');
      const [sent] = await page.asked('sendText');
      check('reply names its message', sent.replyTo, key);
      const own = rows(page).filter({ hasText: /yes/ }).last();
      await own.locator('.quote', { hasText: 'Thursday' }).waitFor();
      await own.locator('.corner .state.read').waitFor();
      await own.click({ button: 'right' });
      await page.getByRole('menuitem', { name: 'React with' }).first().click();
      check('reaction', (await page.asked('react')).map((a) => [a.emoji, a.on]), [['👍', true]]);
      await own.locator('.reactions button').click();
      check('reaction taken back', (await page.asked('react')).map((a) => a.on), [true, false]);
      await own.click({ button: 'right' });
      await page.getByRole('menuitem', { name: 'Delete for everyone' }).click();
      await page.locator('dialog').getByRole('button', { name: 'Delete' }).click();
      await page.locator('.bubble.deleted').last().waitFor();
      check('deleted', (await page.asked('delete')).length, 1);
      await close(page);
    },
  ],
  [
    'long-talk-stays-in-place',
    async () => {
      const page = await open('', { width: 1000, height: 700 });
      await page.chat('Борис');
      const top = () => page.evaluate(() => {
        const b = document.querySelector('.list');
        const e = [...b.querySelectorAll('.row')].find((x) => x.offsetTop + x.offsetHeight > b.scrollTop + 50);
        return { text: e.dataset.key, y: Math.round(e.getBoundingClientRect().top) };
      });
      const distance = () => page.evaluate(() => { const b = document.querySelector('.list'); return Math.round(b.scrollHeight - b.scrollTop - b.clientHeight); });
      check('begins at the end', await distance(), 0);
      for (let i = 0; i < 12; i++) {
        await page.evaluate(() => { document.querySelector('.list').scrollTop -= 600; });
        const before = await top();
        await page.waitForTimeout(80);
        const after = await page.evaluate((key) => Math.round(document.querySelector(`[data-key="${key}"]`).getBoundingClientRect().top), before.text);
        check(`scroll ${i}: the row stays where it was`, Math.abs(after - before.y) <= 1, true);
      }
      check('not all rows are in the page', (await rows(page).count()) <= 200, true);
      const held = await top();
      await page.evaluate(() => globalThis.fake.hear('c-boris', 'Борис', 'new while reading'));
      await page.waitForTimeout(80);
      check('a new message does not move the reader', await top(), held);
      await page.locator('.to-end .count').waitFor();
      await page.locator('.to-end').click();
      await rows(page).filter({ hasText: 'new while reading' }).waitFor();
      await page.waitForTimeout(80);
      check('at the end again', await distance(), 0);
      check('read', (await page.asked('markRead')).length > 0, true);
      // All the way up: every message once, in order.
      for (let i = 0; i < 60; i++) {
        await page.evaluate(() => { document.querySelector('.list').scrollTop = 0; });
        await page.waitForTimeout(40);
        if (await page.locator('.row', { hasText: /^Line 1\. / }).count()) break;
      }
      check('the first message', await page.locator('.row').first().textContent().then((s) => s.startsWith('Line 1.')), true);
      await close(page);
    },
  ],
  [
    'unread-line-and-marks',
    async () => {
      const page = await open();
      await page.chat('Reading circle');
      await page.locator('.new').waitFor();
      const next = await page.evaluate(() => document.querySelector('.new').nextElementSibling.textContent);
      check('the line is above the first new one', next.includes('Отличные'), true);
      await page.waitForTimeout(150);
      check('read up to the newest', (await page.asked('markRead')).at(-1)?.chat, 'c-group');
      check('no count left', await page.locator('.chat-item', { hasText: 'Reading circle' }).locator('.count').count(), 0);
      await page.evaluate(() => globalThis.fake.hear('c-group', 'Ann', 'spoken aloud'));
      check('screen readers hear it', await page.locator('[aria-live=polite]').textContent().then((s) => s.includes('spoken aloud')), true);
      await page.evaluate(() => globalThis.fake.event({ event: 'typingChanged', chat: 'c-group', who: ['Ann', 'Борис'] }));
      check('typing', (await page.locator('.below').textContent()).replace(/[\u2068\u2069]/g, ''), 'Ann and Борис are typing…');
      check('title counts', await page.title(), '(3) Paperplane'); // two wait in another group
      await close(page);
    },
  ],
  [
    'jump-to-quote',
    async () => {
      const page = await open('', { height: 500 });
      await page.evaluate(() => {
        const f = globalThis.fake;
        const first = f.all('c-boris')[0];
        f.put({ id: 'q', chat: 'c-boris', index: 99_999, at: Date.now(), from: 'p-me', fromName: 'Mina', own: true, kind: 'text', text: 'about that', replyTo: { id: first.id, fromName: 'Mina', text: first.text }, state: 'read' });
      });
      await page.chat('Борис');
      await page.locator('.quote').click();
      const goal = page.locator('.row', { hasText: /^Line 1\. / });
      await goal.waitFor();
      await page.waitForTimeout(100);
      check('the quoted message is in view', await goal.evaluate((e) => { const r = e.getBoundingClientRect(); return r.top > 0 && r.bottom < innerHeight; }), true);
      await close(page);
    },
  ],
  [
    'photo-leaves-without-its-place',
    async () => {
      const page = await open();
      await page.chat('Ann');
      const data = await photoWithPlace(page);
      writeFileSync(join(artifacts, 'with-place.jpg'), data);
      await page.locator('.composer input[type=file]').setInputFiles({ name: 'IMG_20260101.jpeg', mimeType: 'image/jpeg', buffer: data });
      await page.locator('.tray-item:not(.busy)').waitFor();
      await page.keyboard.press('Enter');
      await rows(page).last().locator('.photo').waitFor();
      const [sent] = await page.asked('sendText');
      const f = sent.files[0];
      check('size', [f.width, f.height, f.mime], [1600, 800, 'image/jpeg']);
      check('preview is small', Buffer.from(f.preview, 'base64').length <= 600 && f.preview.length > 0, true);
      check('preview is an image of some pixels', await page.evaluate(async (p) => { const b = await createImageBitmap(await (await new Response(Uint8Array.from(atob(p), (c) => c.charCodeAt(0)))).blob()); return b.width; }, f.preview), 24);
      const stored = await page.evaluate(async (ref) => {
        const b = globalThis.fake.files.get(ref);
        return [b.size, new TextDecoder('latin1').decode(await b.arrayBuffer())];
      }, f.ref);
      check('stored size is the stated', stored[0], f.size);
      check('no place', /Exif|GPS|secret-place/.test(stored[1]), false);
      // What the browser cannot draw anew: whole in form, its fields are taken out (here the coded picture is no picture).
      const head = data.subarray(0, data.indexOf(Buffer.from([0xff, 0xdb])));
      const odd = Buffer.concat([head, Buffer.from([0xff, 0xda, 0, 2, 1, 2, 3, 0xff, 0xd9])]);
      check('the test\'s picture tells a place', odd.includes('secret-place'), true);
      const files = page.locator('.composer input[type=file]');
      await files.setInputFiles([{ name: 'odd.jpg', mimeType: 'image/jpeg', buffer: odd }, { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') }]);
      await page.locator('.tray-item:not(.busy)').nth(1).waitFor();
      await page.keyboard.press('Enter');
      await rows(page).last().locator('.file', { hasText: 'notes.txt' }).waitFor();
      const second = (await page.asked('sendText'))[1].files;
      check('two files', second.map((x) => [x.name, x.size < odd.length]), [['odd.jpg', true], ['notes.txt', true]]);
      const clean = await page.evaluate(async (ref) => new TextDecoder('latin1').decode(await globalThis.fake.files.get(ref).arrayBuffer()), second[0].ref);
      check('no place there either', /Exif|GPS|secret-place/.test(clean), false);
      // What cannot be understood at all is not sent, unless the person says so.
      for (const f of [{ name: 'broken.jpg', mimeType: 'image/jpeg' }, { name: 'phone.heic', mimeType: '' }]) await files.setInputFiles({ ...f, buffer: Buffer.from('no image') });
      await page.locator('.tray .refused').nth(1).waitFor();
      await box(page).focus();
      await page.keyboard.press('Enter');
      await page.locator('.toast').waitFor();
      check('nothing was sent', (await page.asked('sendText')).length, 2);
      await page.getByRole('button', { name: /Remove.*broken/ }).click();
      await page.getByRole('button', { name: 'Send as a file anyway' }).click();
      await page.locator('.tray .dim').waitFor();
      await page.locator('.tray-item:not(.busy)').waitFor();
      await box(page).focus();
      await page.keyboard.press('Enter');
      await rows(page).last().locator('.file', { hasText: 'phone.heic' }).waitFor();
      check('as it is', (await page.asked('sendText'))[2].files.map((x) => [x.name, x.size]), [['phone.heic', 8]]);
      await page.locator('.toast').waitFor({ state: 'detached' });
      // Eleven are too many; the first ten stay.
      await page.locator('.composer input[type=file]').setInputFiles(Array.from({ length: 11 }, (_, i) => ({ name: `${i}.txt`, mimeType: 'text/plain', buffer: Buffer.from('x') })));
      await page.locator('.toast').waitFor();
      check('ten at most', await page.locator('.tray-item').count(), 10);
      await close(page);
    },
  ],
  [
    'photo-room-is-kept-and-lightbox',
    async () => {
      const page = await open();
      await page.chat('Ann');
      const photo = page.locator('.photos.one .photo').last();
      await photo.locator('.sharp').waitFor();
      check('room has the photo\'s shape', await photo.evaluate((e) => Math.abs(e.clientWidth / e.clientHeight - 1600 / 1067) < 0.02), true);
      await photo.click();
      await page.locator('dialog.lightbox img').waitFor();
      check('axe lightbox', await axe(page), []);
      await page.keyboard.press('Escape');
      await page.locator('dialog.lightbox').waitFor({ state: 'detached' });
      const file = page.locator('.file', { hasText: 'list-for-the-printer' });
      await file.locator('button').click();
      await file.locator('[role=progressbar]').waitFor();
      await file.locator('button').click();
      check('stopped', (await page.asked('stop')).length, 1);
      await close(page);
    },
  ],
  [
    'links-are-safe',
    async () => {
      const page = await open();
      await page.evaluate(() => globalThis.fake.hear('c-ann', 'Ann', 'javascript:alert(1) https://ok.example/?a=1&b=2 <b>bold</b>'));
      await page.chat('Ann');
      const row = rows(page).last();
      check('anchors', await row.locator('a').evaluateAll((all) => all.map((a) => [a.href, a.rel, a.target])), [['https://ok.example/?a=1&b=2', 'noopener noreferrer', '_blank']]);
      check('markup is text', await row.locator('b').count(), 0);
      await close(page);
    },
  ],
  [
    'join-with-a-link',
    async () => {
      const page = await open('i#1.abc', { as: 'new' });
      check('one field', await page.locator('.gate input').count(), 1);
      check('it has the focus', await page.evaluate(() => document.activeElement?.id), 'name');
      await page.keyboard.press('Enter');
      check('a missing name is said', await page.locator('#name-problem').textContent(), 'Type a name first.');
      await page.keyboard.type('Mina');
      await page.keyboard.press('Enter');
      await page.locator('.chat-head h1', { hasText: 'Ann' }).waitFor();
      await bare(page);
      await close(page);
      const group = await open('i#1.group-1', { as: 'new' });
      await group.locator('p', { hasText: 'to join the group' }).waitFor();
      check('invited', await group.locator('h1').textContent(), 'You are invited');
      await close(group);
      const bad = await open('i#2x', { as: 'new' });
      await bad.locator('.problem', { hasText: 'damaged' }).first().waitFor();
      check('a way on', await bad.locator('#link').count(), 1);
      await close(bad);
      const other = await open('i#1.elsewhere', { as: 'new' });
      await other.locator('a.button').waitFor();
      await close(other);
      const has = await open('i#1.abc');
      await has.locator('dialog').getByRole('button', { name: 'Open chat' }).click();
      check('joined with one\'s own name', (await has.asked('join')).map((a) => a.name), ['Mina']);
      await has.locator('.chat-head h1', { hasText: 'Ann' }).waitFor();
      await close(has);
    },
  ],
  [
    'states-in-words',
    async () => {
      for (const [query, words] of [['?as=offline', 'No connection'], ['?as=volatile', 'keeps nothing'], ['?as=key', 'another key'], ['?as=clock', 'clock of this device'], ['?as=out', 'signed out']]) {
        const page = await open(query);
        await page.locator('.banner', { hasText: words }).waitFor();
        await close(page);
      }
      const page = await open('?as=broken');
      await page.chat('Ann');
      await page.locator('.banner.danger', { hasText: 'different histories' }).waitFor();
      check('no box to write in', await box(page).count(), 0);
      await close(page);
      const alone = await open('?as=alone', { width: 390 });
      await alone.locator('.hint.card button').click();
      await alone.locator('.qr svg[role=img]').waitFor();
      await alone.getByRole('button', { name: 'Copy link' }).click();
      await alone.locator('.toast', { hasText: 'copied' }).waitFor();
      check('copied', await alone.evaluate(() => navigator.clipboard.readText()), await alone.locator('.link-text').inputValue());
      await close(alone);
      const offline = await open('?as=offline');
      await offline.chat('Ann');
      await box(offline).fill('later');
      await offline.keyboard.press('Enter');
      await rows(offline).last().locator('.corner .state.queued').waitFor();
      await offline.locator('.sidebar .bar .quiet').first().click();
      await offline.locator('dialog .problem', { hasText: 'needs a connection' }).waitFor();
      await close(offline);
    },
  ],
  [
    'failure-in-words-and-nothing-lost',
    async () => {
      const page = await open();
      await page.chat('Ann');
      await box(page).fill('a'.repeat(20));
      await page.evaluate(() => { globalThis.fake.failNext = null; const f = globalThis.fake; const real = f.handlers.sendText; f.handlers.sendText = () => { f.handlers.sendText = real; f.failNext = 'text-long'; return f.call('about', {}); }; });
      await page.keyboard.press('Enter');
      await page.locator('.toast', { hasText: 'too long' }).waitFor();
      check('the text is back', await box(page).inputValue(), 'a'.repeat(20));
      await page.evaluate(() => { const f = globalThis.fake; const m = f.all('c-ann').at(-1); f.put({ ...m, state: 'failed' }); });
      await page.locator('.failed-line').getByRole('button', { name: 'Try again' }).click();
      check('tried again', (await page.asked('retry')).length, 1);
      await close(page);
    },
  ],
  [
    'groups',
    async () => {
      const page = await open();
      await page.getByRole('button', { name: 'New group' }).click();
      await page.getByRole('button', { name: 'Create' }).click();
      await page.locator('dialog .problem', { hasText: 'name' }).waitFor();
      await page.getByLabel('Group name').fill('Tea');
      await page.locator('dialog .person', { hasText: 'Ann' }).click();
      await page.locator('dialog .person', { hasText: 'Борис' }).click();
      await page.locator('.picture-field input').setInputFiles({ name: 'p.jpg', mimeType: 'image/jpeg', buffer: await photoWithPlace(page) });
      await page.getByRole('button', { name: 'Create' }).click();
      await page.locator('.chat-head h1', { hasText: 'Tea' }).waitFor();
      const [made] = await page.asked('newGroup');
      check('made', [made.name, made.members], ['Tea', ['c-ann', 'c-boris']]);
      check('picture fits', Buffer.from(made.picture, 'base64').length <= 3000, true);
      await page.locator('.head-title').click();
      await page.locator('dialog button.person', { hasText: 'Ann' }).click();
      await page.getByRole('menuitem', { name: 'Remove from the group' }).click();
      await page.locator('dialog').last().getByRole('button', { name: 'Remove from the group' }).click();
      check('removed', (await page.asked('removeMember')).map((a) => [a.person, a.ban]), [['p-Ann', undefined]]);
      await page.locator('dialog').getByRole('button', { name: 'Leave the group' }).click();
      await page.locator('dialog').last().getByRole('button', { name: 'Leave the group' }).last().click();
      await page.locator('.closed', { hasText: 'no longer' }).waitFor();
      await close(page);
    },
  ],
  [
    'language-and-look-change-at-once',
    async () => {
      const page = await open();
      await page.getByRole('button', { name: 'Settings' }).click();
      await page.locator('dialog select').selectOption('fa');
      check('direction', await page.evaluate(() => [document.documentElement.dir, document.documentElement.lang]), ['rtl', 'fa']);
      // What cuts a Latin name off must run from left to right, or it loses its beginning.
      const cuts = await page.locator('.chat-name', { hasText: 'Reading circle' }).evaluate((e) => {
        const all = [e, ...e.querySelectorAll('*')].filter((x) => getComputedStyle(x).textOverflow === 'ellipsis');
        return all.map((x) => getComputedStyle(x).direction);
      });
      check('cut off at the end', cuts, ['ltr']);
      await page.locator('dialog h2', { hasText: 'تنظیمات' }).waitFor();
      await page.locator('.segments input').nth(2).check();
      const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
      check('dark', await paper(), 'rgb(22, 24, 28)');
      await page.reload();
      await page.locator('.chat-item').first().waitFor();
      check('kept over a reload', [await page.evaluate(() => document.documentElement.dir), await paper()], ['rtl', 'rgb(22, 24, 28)']);
      await page.chat('Ann');
      check('own messages are at the end side', await page.locator('.row.own .bubble').last().evaluate((e) => e.getBoundingClientRect().left < innerWidth / 2), true);
      await close(page);
    },
  ],
  [
    'drafts',
    async () => {
      const page = await open();
      await page.chat('Борис');
      check('the draft is in the box', await box(page).inputValue(), 'Про чай: ');
      await page.chat('Ann');
      await box(page).fill('half a thou');
      await page.chat('Борис');
      await page.chat('Ann');
      check('still there', await box(page).inputValue(), 'half a thou');
      check('kept in the core', (await page.asked('setDraft')).filter((a) => a.chat === 'c-ann').at(-1)?.text, 'half a thou');
      await close(page);
    },
  ],
];

try {
  await steps(list.filter(([name]) => !only || name.includes(only)));
  check('complaints of the pages (errors, policy)', [...new Set(complaints)], []);
} finally {
  await end();
}
