// The windows of groups, devices, words and accounts over canned people, and the ways in besides an invite.
import { axe, bare, check, fakePages, steps } from './harness.mjs';

const only = process.argv[2]; // a part of a step's name
const { open, complaints, end, origin } = await fakePages();
const close = (page) => page.context().close();
const plain = (s) => s.replace(/[\u2066-\u2069]/g, '').trim();
const about = async (page, name = 'City cyclists') => {
  await page.chat(name);
  await page.locator('.head-title').click();
  await page.locator('dialog .tall-list button.person').first().waitFor();
};
const entry = (page, name) => page.locator('dialog .entry', { hasText: name }).click();
const title = (page, text) => page.locator('dialog h2', { hasText: text }).first().waitFor();
const settings = async (page, name) => {
  await page.getByRole('button', { name: 'Settings' }).click();
  if (name) await entry(page, name);
};

const list = [
  [
    'accessible-windows',
    async () => {
      for (const [lang, dark] of [['en', false], ['fa', true]]) {
        const page = await open('', { lang, dark });
        const look = async (what) => {
          check(`axe ${lang} ${what}`, await axe(page), []);
          check(`${lang} ${what}: nothing sideways`, await page.evaluate(() => [...document.querySelectorAll('.sheet-body')].map((d) => d.scrollWidth - d.clientWidth)).then((all) => all.every((n) => n === 0)), true);
        };
        await page.setViewportSize({ width: 320, height: 700 });
        await page.locator('.chat-item', { hasText: 'City cyclists' }).click();
        await page.locator('.pins').waitFor();
        await look('chat with pins');
        await page.locator('.head-title').click();
        await page.locator('dialog .tall-list button.person').first().waitFor();
        await look('group');
        await page.locator('dialog button.person', { hasText: 'Борис' }).first().click();
        await page.locator('[role=menu]').waitFor();
        await look('member menu');
        await page.locator('[role=menuitem]').last().click();
        await page.locator('dialog').nth(1).waitFor();
        await look('erase?');
        await page.keyboard.press('Escape');
        await page.locator('dialog').nth(1).waitFor({ state: 'detached' });
        const n = await page.locator('dialog .entry:not(.danger)').count();
        check('pages of a group', n, 8);
        for (let i = 0; i < n; i++) {
          await page.locator('dialog .entry').nth(i).click();
          await page.locator('.sheet-body.page > *').first().waitFor();
          await page.waitForTimeout(200);
          await look(`group page ${i}`);
          await page.keyboard.press('Escape');
          await page.locator('.sheet-body:not(.page)').waitFor();
        }
        await page.keyboard.press('Escape');
        await page.locator('.back').click();
        await page.locator('.sidebar .bar .quiet').nth(2).click();
        await page.locator('dialog .entry').first().waitFor();
        await look('settings');
        for (let i = 0; i < 4; i++) {
          await page.locator('dialog .entry').nth(i).click();
          await page.locator('.sheet-body.page > *').first().waitFor();
          await page.waitForTimeout(200);
          await look(`settings page ${i}`);
          if (i === 1) {
            await page.locator('dialog .primary').click();
            await page.locator('.words').waitFor();
            await look('words');
            await page.locator('dialog .primary').click();
            await look('words check');
          }
          await page.keyboard.press('Escape');
          await page.locator('.sheet-body:not(.page)').waitFor();
        }
        await close(page);
        for (const query of ['?as=offer', '?as=fresh', '?as=folders']) {
          const p = await open(query, { lang, dark, width: 320, height: 600 });
          check(`axe ${lang} ${query}`, await axe(p), []);
          await close(p);
        }
        const back = await open('?as=new', { lang, dark, width: 320, height: 600 });
        await back.locator('.gate > button.link').click();
        for (const way of [0, 1]) {
          await back.locator('.way').first().waitFor();
          check(`axe ${lang} ways`, await axe(back), []);
          await back.locator('.way').nth(way).click();
          await back.locator('form').waitFor();
          check(`axe ${lang} way ${way}`, await axe(back), []);
          check(`320px ${lang} way ${way}`, await back.evaluate(() => document.documentElement.scrollWidth), 320);
          await back.locator('form button.link').click();
        }
        await close(back);
      }
    },
  ],
  [
    'five-thousand-members-scroll',
    async () => {
      const page = await open('', { width: 1000, height: 800 });
      await about(page);
      // A finger as fast as it goes: every frame must show people, and the page must stay small.
      const seen = await page.evaluate(async () => {
        const box = document.querySelector('dialog .sheet-body');
        const frame = () => new Promise((r) => requestAnimationFrame(r));
        const out = { empty: 0, most: 0, frames: 0 };
        const r = box.getBoundingClientRect();
        for (let i = 0; i < 80; i++) {
          box.scrollTop += 700;
          await frame();
          out.frames++;
          if (box.scrollTop < 900) continue; // the head is above the list
          const e = document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2);
          if (!e?.closest('.tall-list li')) out.empty++;
          out.most = Math.max(out.most, box.querySelectorAll('.tall-list li').length);
        }
        return out;
      });
      check('frames without a row', seen.empty, 0);
      check('rows in the page stay few', seen.most <= 80, true);
      await page.evaluate(() => {
        const box = document.querySelector('dialog .sheet-body');
        box.scrollTop = box.scrollHeight;
      });
      const last = page.locator('.tall-list li[aria-posinset="5000"] button');
      await last.waitFor();
      check('the last of them all', await last.evaluate((e) => e.getBoundingClientRect().bottom <= innerHeight), true);
      check('asked for in pages', (await page.asked('getMembers')).every((a) => a.limit === 100), true);
      await last.focus();
      await page.keyboard.press('Home');
      await page.locator('.tall-list li[aria-posinset="1"] > :focus').waitFor();
      await page.keyboard.press('ArrowDown');
      check('arrows walk', await page.evaluate(() => new Promise((r) => requestAnimationFrame(() => r(document.activeElement.closest('li').getAttribute('aria-posinset'))))), '2');
      const search = page.getByRole('searchbox', { name: 'Search members' });
      await search.fill('kofi moreau 12');
      await page.waitForFunction(() => document.querySelectorAll('.tall-list li').length < 20 && document.querySelector('.tall-list bdi')?.textContent.startsWith('Kofi Moreau'));
      check('the field keeps the focus', await search.evaluate((e) => document.activeElement === e), true);
      await search.fill('nobody at all');
      await page.locator('dialog [role=status]', { hasText: 'Nothing found' }).waitFor();
      await close(page);
    },
  ],
  [
    'roles-removal-and-bans',
    async () => {
      const page = await open();
      await about(page);
      const items = async (name) => {
        await page.locator('dialog button.person', { hasText: name }).first().click();
        const out = await page.locator('[role=menuitem]').allTextContents();
        return out;
      };
      check('an admin before an owner', await page.locator('dialog .tall-list li').first().locator('button').count(), 0);
      check('to another admin', await items('Ann'), ['Write']);
      await page.keyboard.press('Escape');
      check('to a member', await items('Борис'), ['Write', 'Make admin', 'Remove from the group', 'Remove and ban', 'Ban and erase all messages']);
      await page.getByRole('menuitem', { name: 'Ban and erase' }).click();
      const question = page.locator('dialog').nth(1);
      check('clear words', plain(await question.locator('p').textContent()), 'Борис is removed and cannot come back, and everything they wrote here disappears for everyone. This cannot be undone.'.replace('Борис', '\u2068Борис\u2069').replace(/[\u2066-\u2069]/g, ''));
      await question.getByRole('button', { name: 'Cancel' }).click();
      check('nothing without a yes', await page.asked('removeMember'), []);
      await items('Борис');
      await page.getByRole('menuitem', { name: 'Ban and erase' }).click();
      await question.getByRole('button', { name: 'Ban and erase' }).click();
      check('banned and erased', await page.asked('removeMember'), [{ chat: 'c-big', person: 'p-Борис', ban: true, erase: true }]);
      await page.locator('dialog h3', { hasText: '4,999' }).waitFor();
      await entry(page, 'Banned');
      await page.getByRole('button', { name: 'Lift the ban: Cheap Tyres' }).click();
      check('lifted', (await page.asked('unban')).map((a) => a.person), ['x-1']);
      await page.getByRole('button', { name: 'Lift the ban: Cheap Tyres' }).waitFor({ state: 'detached' });
      await close(page);
      // An owner gives and takes roles; the last one cannot leave the role.
      const own = await open();
      await about(own, 'Reading circle');
      await own.locator('dialog button.person', { hasText: 'Ann' }).click();
      await own.getByRole('menuitem', { name: 'Make admin' }).click();
      await own.locator('dialog').nth(1).getByRole('button', { name: 'Yes' }).click();
      await own.locator('dialog button.person', { hasText: 'Ann' }).locator('.tag.admin').waitFor();
      check('asked', await own.asked('setRole'), [{ chat: 'c-group', person: 'p-Ann', role: 'admin' }]);
      await own.locator('dialog button.person', { hasText: 'Mina' }).click();
      await own.getByRole('menuitem', { name: 'No longer owner' }).click();
      await own.locator('dialog').nth(1).getByRole('button', { name: 'Yes' }).click();
      await own.locator('.toast', { hasText: 'Only an admin' }).waitFor();
      await close(own);
      const member = await open('?as=member');
      await about(member);
      check('a member sees no switches', await member.locator('dialog .entry').allTextContents(), ['Add people', 'Invite links', 'Folders', 'Leave the group']);
      check('but the rules', (await member.locator('.rules-words li').allTextContents()).map(plain), ['Slow mode: 30 seconds between messages.', 'New members write after 1 day.']);
      await close(member);
    },
  ],
  [
    'rules-name-and-description',
    async () => {
      const page = await open();
      await about(page);
      await entry(page, 'Rules');
      await title(page, 'Rules');
      await page.getByRole('switch', { name: /Only admins write/ }).check();
      await page.getByLabel(/Slow mode/).selectOption({ label: '5 minutes' });
      await page.getByLabel(/New members see/).selectOption({ label: 'everything' });
      await page.locator('dialog').getByRole('button', { name: 'Save' }).click();
      check('rules go whole', (await page.asked('setGroup'))[0].rules, { history: -1, slow: 300, quarantine: 24, adders: 'members', quiet: true });
      await page.locator('.sheet-body:not(.page)').waitFor();
      await entry(page, 'Name, picture');
      await page.getByRole('textbox', { name: 'Description' }).fill('ص'.repeat(501)); // two bytes a letter: one above the limit
      await page.locator('dialog').getByRole('button', { name: 'Save' }).click();
      await page.locator('dialog .problem', { hasText: 'too long' }).waitFor();
      await page.getByRole('textbox', { name: 'Description' }).fill('ص'.repeat(500));
      await page.locator('dialog').getByRole('button', { name: 'Save' }).click();
      await page.locator('.about-text').waitFor();
      check('at the limit it goes', (await page.asked('setGroup'))[1].about.length, 500);
      await close(page);
    },
  ],
  [
    'links-and-people-who-wait',
    async () => {
      const page = await open();
      await about(page);
      await entry(page, 'Invite links');
      check('the links there are', (await page.locator('dialog .entry .block').allTextContents()).map(plain), ['used 1,240 times · until December 20, 2026', '3 of 10 used · until December 1, 2026']);
      await page.getByRole('button', { name: 'Make a link' }).click();
      await page.locator('.choice', { hasText: /^For/ }).locator('select').selectOption({ label: '100 people' });
      await page.getByLabel('It works for').selectOption({ label: '1 day' });
      await page.getByRole('switch', { name: /An admin lets/ }).check();
      await page.getByRole('button', { name: 'Make a link' }).click();
      await page.locator('.qr svg[role=img]').waitFor();
      check('asked for', await page.asked('groupInvite'), [{ chat: 'c-big', uses: 100, days: 1, approve: true }]);
      await page.getByRole('button', { name: 'Copy link' }).click();
      check('copied', await page.evaluate(() => navigator.clipboard.readText()), await page.locator('.link-text').inputValue());
      // Somebody uses it while it is open.
      await page.evaluate(() => {
        const l = globalThis.fake.w.links.get('c-big')[0];
        l.used = 7;
      });
      await page.happens({ event: 'knocksChanged', chat: 'c-big' });
      await page.locator('p.dim', { hasText: /7\W? of \W?100\W? used/ }).waitFor();
      await page.getByRole('button', { name: 'Withdraw' }).click();
      await page.locator('dialog').nth(1).getByRole('button', { name: 'Withdraw' }).click();
      await page.locator('dialog .entry').nth(1).waitFor();
      check('withdrawn', (await page.asked('revokeLink')).length, 1);
      await page.waitForFunction(() => document.querySelectorAll('dialog .entry').length === 2); // gone from the list
      await page.keyboard.press('Escape');
      await page.keyboard.press('Escape');
      await page.locator('.knocks').click();
      await page.getByRole('button', { name: 'Let in: Рита' }).click();
      await page.getByRole('button', { name: 'Refuse: Tom Haddad' }).click();
      check('answers', (await page.asked('answer')).map((a) => [a.person, a.yes]), [['k-0', true], ['k-1', false]]);
      await page.evaluate(() => globalThis.fake.w.knocks.set('c-big', []));
      await page.happens({ event: 'knocksChanged', chat: 'c-big' });
      await page.locator('.nothing', { hasText: 'Nobody is waiting' }).waitFor();
      await close(page);
      // On the other side of the door.
      const waits = await open('?as=waits');
      await waits.chat('Reading circle');
      await waits.locator('.closed', { hasText: 'Waiting for a member to let you in' }).waitFor();
      await waits.chat('City cyclists');
      await waits.locator('.banner', { hasText: 'put right' }).waitFor();
      check('one can write while it heals', await waits.locator('.composer textarea').count(), 1);
      await close(waits);
      const joins = await open('i#1.group');
      await joins.locator('dialog').getByRole('button', { name: 'Join' }).click();
      check('joined', (await joins.asked('join')).length, 1);
      await close(joins);
    },
  ],
  [
    'pins',
    async () => {
      const page = await open('', { height: 500 });
      await page.chat('City cyclists');
      const line = page.locator('.pin-line');
      check('the newest first', plain(await line.locator('.quote-text').textContent()), 'Routes and maps: https://example.org/routes');
      await line.click();
      check('then the next', plain(await line.locator('.author').textContent()), 'Pinned message 2 of 2');
      const inView = () => { const e = [...document.querySelectorAll('.row')].find((x) => x.textContent.includes('Routes')); const r = e?.getBoundingClientRect(); return r && r.top > 0 && r.bottom < innerHeight; };
      await page.waitForFunction(inView);
      await page.locator('.row', { hasText: 'Hello everybody' }).click({ button: 'right' });
      await page.getByRole('menuitem', { name: 'Pin for everyone' }).click();
      await page.waitForFunction(() => document.querySelector('.pin-line .quote-text').textContent === 'Hello everybody!');
      await page.getByRole('button', { name: 'Unpin' }).click();
      check('asked before it goes for everybody', (await page.asked('pin')).length, 1);
      await page.locator('dialog').getByRole('button', { name: 'Unpin' }).click();
      check('pinned and unpinned', (await page.asked('pin')).map((a) => a.on), [true, false]);
      await close(page);
      const member = await open('?as=member');
      await member.chat('City cyclists');
      check('a member cannot unpin', await member.locator('.pins .quiet').count(), 0);
      // Pinned before one came in: it is not here, and the line says so.
      await member.evaluate(() => globalThis.fake.change('c-big', { pins: ['long-ago'] }));
      await member.locator('.pin-line', { hasText: 'Written before you came in' }).waitFor();
      // A group of one's own, with nobody in it yet, says how others come.
      await member.evaluate(() => globalThis.fake.change('c-big', { members: 1, admin: true, role: 'owner' }));
      await member.getByRole('button', { name: 'Only you are here' }).click();
      await title(member, 'Invite links');
      await close(member);
    },
  ],
  [
    'mentions',
    async () => {
      const page = await open();
      check('the list shows it', await page.locator('.chat-item', { hasText: 'City' }).locator('.count.at').count(), 1);
      await page.chat('City cyclists');
      await page.locator('.mention.self', { hasText: '@Mina' }).waitFor();
      const box = page.locator('.composer textarea');
      await box.pressSequentially('Thanks @an');
      await page.locator('.pick li', { hasText: 'Ann' }).first().waitFor();
      await page.locator('.composer textarea[aria-activedescendant]').waitFor(); // said after the list is drawn
      check('the box names the choice', await box.getAttribute('aria-activedescendant'), 'mention-0');
      check('axe', await axe(page), []);
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('Enter');
      check('the name is in the box', await box.inputValue(), 'Thanks @Ann ');
      await page.waitForTimeout(300); // a choice that came again would take the next Enter
      check('the choice is over', await page.locator('.pick').count(), 0);
      await box.pressSequentially('and 😀 @olivia p');
      await page.locator('.pick li', { hasText: 'Olivia Park' }).click();
      await box.pressSequentially('!');
      await page.keyboard.press('Enter');
      const [sent] = await page.asked('sendText');
      check('sent', [sent.text, sent.mentions], ['Thanks @Ann and 😀 @Olivia Park !', [{ start: 7, length: 4, person: 'p-Ann' }, { start: 19, length: 12, person: 'b-owner' }]]);
      await page.locator('.row.own .mention', { hasText: '@Olivia Park' }).waitFor();
      await box.pressSequentially('@an');
      await page.locator('.pick').waitFor();
      await page.keyboard.press('Escape');
      await page.locator('.pick').waitFor({ state: 'detached' });
      check('escape leaves the choice, not the chat', await box.inputValue(), '@an');
      await page.chat('Ann');
      await page.locator('.composer textarea').pressSequentially('@');
      await page.waitForTimeout(100);
      check('no choice between two people', await page.locator('.pick').count(), 0);
      await close(page);
    },
  ],
  [
    'waiting-to-post',
    async () => {
      const page = await open('?as=member');
      await page.chat('City cyclists');
      const wait = page.locator('.wait');
      const seconds = async () => Number(/0:(\d\d)/.exec(plain(await wait.textContent()))[1]);
      const first = await seconds();
      check('slow mode counts down', first > 5 && first <= 25, true);
      await page.waitForFunction((n) => Number(/0:(\d\d)/.exec(document.querySelector('.wait').textContent)?.[1]) < n, first);
      const box = page.locator('.composer textarea');
      await box.fill('too early');
      await page.keyboard.press('Enter');
      check('nothing is sent, nothing is lost', [await page.asked('sendText'), await box.inputValue()], [[], 'too early']);
      await page.evaluate(() => globalThis.fake.change('c-big', { postAt: Date.now() + 600 }));
      await wait.waitFor({ state: 'detached' });
      await box.focus();
      await page.keyboard.press('Enter');
      check('then it goes', (await page.asked('sendText')).map((a) => a.text), ['too early']);
      await page.evaluate(() => globalThis.fake.change('c-big', { postAt: Date.now() + 7_200_000 }));
      await page.locator('.wait', { hasText: 'New members wait' }).waitFor();
      await page.chat('Reading circle');
      await page.locator('.closed', { hasText: 'Only admins write here' }).waitFor();
      await close(page);
    },
  ],
  [
    'devices',
    async () => {
      const page = await open();
      await settings(page, 'Devices');
      await page.locator('.devices button.person').nth(2).waitFor();
      check('this one first', (await page.locator('.devices .block').allTextContents()).map(plain).slice(0, 2), ['This device', 'Active today']);
      await page.locator('.devices button.person').nth(2).click();
      await page.getByLabel('Name of the device').fill('Attic');
      await page.keyboard.press('Enter');
      await page.locator('.devices bdi', { hasText: 'Attic' }).waitFor();
      await page.locator('.devices button.person').nth(2).click();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.locator('dialog').nth(1).getByRole('button', { name: 'Sign out' }).click();
      await page.locator('.devices bdi', { hasText: 'Attic' }).waitFor({ state: 'detached' });
      check('asked', [await page.asked('nameDevice'), await page.asked('removeDevice')], [[{ device: 'd3', name: 'Attic' }], [{ device: 'd3' }]]);
      // Linking, with the same digits.
      await page.getByRole('button', { name: 'Link a device' }).click();
      await page.locator('.qr svg[role=img]').waitFor();
      await page.happens({ event: 'linking', stage: 'digits', digits: '402817', name: 'Tablet' });
      check('read out one by one', await page.locator('.digits').getAttribute('aria-label'), '4 0 2 8 1 7');
      await page.getByRole('button', { name: 'They are the same' }).click();
      await page.locator('dialog [role=status]', { hasText: 'on the other device, too' }).waitFor();
      check('the digits are there still, for the other device', await page.locator('.digits').getAttribute('aria-label'), '4 0 2 8 1 7');
      await page.happens({ event: 'linking', stage: 'sending', name: 'Tablet', percent: 40 });
      await page.locator('dialog progress').waitFor();
      await page.happens({ event: 'linking', stage: 'done', name: 'Tablet' });
      await page.locator('dialog [role=status]', { hasText: 'one of your devices' }).waitFor();
      await page.getByRole('button', { name: 'Done' }).click();
      check('confirmed, and not ended again', await page.asked('confirmDevice'), [{ yes: true }]);
      // With others, and by going away.
      await page.getByRole('button', { name: 'Link a device' }).click();
      await page.locator('.qr svg[role=img]').waitFor();
      await page.happens({ event: 'linking', stage: 'digits', digits: '111222' });
      await page.getByRole('button', { name: 'They differ' }).click();
      await page.locator('dialog .problem', { hasText: 'not the same' }).waitFor();
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.locator('.qr svg[role=img]').waitFor();
      await page.keyboard.press('Escape');
      await page.locator('.devices').waitFor();
      check('going away ends it', await page.asked('confirmDevice'), [{ yes: true }, { yes: false }, { yes: false }]);
      await close(page);
      const offline = await open('?as=offline');
      await settings(offline, 'Devices');
      await offline.getByRole('button', { name: 'Link a device' }).click();
      await offline.locator('dialog .problem', { hasText: 'needs a connection' }).waitFor();
      await close(offline);
      const here = await open('d#abc');
      await here.locator('dialog', { hasText: 'for a new device' }).waitFor();
      await close(here);
    },
  ],
  [
    'a-new-device',
    async () => {
      const page = await open('d#abc', { as: 'new' });
      check('a name is proposed', await page.locator('#device-name').inputValue(), 'Chrome, Linux');
      await page.locator('#device-name').fill('Tablet');
      await page.keyboard.press('Enter');
      await page.locator('[role=status]', { hasText: 'Looking for' }).waitFor();
      check('asked', await page.asked('addDevice'), [{ link: `${origin}/d#abc`, name: 'Tablet' }]);
      await page.happens({ event: 'linking', stage: 'digits', digits: '402817' });
      await page.locator('.digits').waitFor();
      check('axe', await axe(page), []);
      await page.getByRole('button', { name: 'They differ' }).click();
      await page.locator('.problem', { hasText: 'not the same' }).waitFor();
      await page.getByRole('button', { name: 'Link this device' }).click();
      await page.locator('[role=status]', { hasText: 'Looking for' }).waitFor();
      await page.happens({ event: 'linking', stage: 'digits', digits: '402817' });
      await page.getByRole('button', { name: 'They are the same' }).click();
      await page.locator('[role=status]', { hasText: 'on the other device, too' }).waitFor();
      check('said no, then yes', await page.asked('confirmDevice'), [{ yes: false }, { yes: true }]);
      await page.happens({ event: 'linking', stage: 'sending', percent: 30 });
      await page.locator('progress').waitFor();
      await page.evaluate(() => (globalThis.fake.account = { person: 'p-me', name: 'Mina', origin: location.origin }));
      await page.happens({ event: 'linking', stage: 'done' });
      await page.locator('.app').waitFor();
      await bare(page);
      await page.happens({ event: 'stateChanged', syncing: 60 });
      await page.locator('.syncing', { hasText: '60%' }).waitFor();
      await page.happens({ event: 'stateChanged', words: 'kept', servers: await page.evaluate(() => globalThis.fake.w.servers) }); // as the core says that all is here
      await page.locator('.syncing').waitFor({ state: 'detached' });
      await close(page);
      const paste = await open('?as=new');
      await paste.getByRole('button', { name: 'I already use' }).click();
      await paste.getByRole('button', { name: /With my other device/ }).click();
      await paste.locator('#device-link').fill(`${origin}/i#1.abc`);
      await paste.keyboard.press('Enter');
      await paste.locator('.problem', { hasText: 'not a link for a new device' }).waitFor();
      await paste.locator('#device-link').fill('https://elsewhere.example/d#abc');
      await paste.locator('a.button[href^="https://elsewhere.example/d#"]').waitFor();
      await close(paste);
    },
  ],
  [
    'twelve-words',
    async () => {
      const page = await open('?as=offer');
      await page.locator('.offer').getByRole('button', { name: 'Show me' }).click();
      await page.getByRole('button', { name: 'Show the words' }).click();
      const words = await page.locator('.words b').allTextContents();
      check('twelve', words.length, 12);
      await page.getByRole('button', { name: 'I have written' }).click();
      const places = (await page.locator('.check label').allTextContents()).map((s) => Number(/\d+/.exec(s)[0]));
      check('two places', places.length, 2);
      await page.locator('.check input').first().fill('nonsense');
      await page.locator('.check input').nth(1).fill(words[places[1] - 1]);
      await page.keyboard.press('Enter');
      await page.locator('.check .problem', { hasText: `not word ${places[0]}` }).waitFor();
      check('nothing kept yet', await page.asked('keepWords'), []);
      await page.locator('.check input').first().fill(` ${words[places[0] - 1].toUpperCase()} `);
      await page.keyboard.press('Enter');
      await page.locator('.entry', { hasText: 'in use' }).waitFor();
      check('kept', await page.asked('keepWords'), [{}]);
      check('no more offers', await page.locator('.offer').count(), 0);
      await close(page);
      const later = await open('?as=offer');
      await later.locator('.offer').getByRole('button', { name: 'Later' }).click();
      await later.locator('.offer').waitFor({ state: 'detached' });
      check('put off', await later.asked('keepWords'), [{ later: true }]);
      await close(later);
      // Words that are kept are never shown again: new ones are, and count only when they are written down, too.
      const again = await open('?as=kept');
      await settings(again, 'Twelve words');
      await again.locator('dialog', { hasText: 'No device shows them again' }).waitFor();
      await again.getByRole('button', { name: 'Make new words' }).click();
      await again.locator('.words').waitFor();
      await again.getByRole('button', { name: 'I have written them down' }).click();
      await again.locator('.check').waitFor();
      await close(again);
      // With the words alone, on a new device.
      const page2 = await open('?as=new');
      await page2.getByRole('button', { name: 'I already use' }).click();
      await page2.getByRole('button', { name: /With my twelve words/ }).click();
      const go = async (text) => {
        await page2.locator('#words').fill(text);
        await page2.getByRole('button', { name: 'Bring my account back' }).click();
      };
      const rest = ' blossom candle desert elbow fabric galaxy harvest island jungle kitten lantern';
      await go('anchor blossom');
      await page2.locator('#words-problem', { hasText: '2 words of twelve' }).waitFor();
      check('not asked', await page2.asked('recover'), []);
      for (const [first, says] of [['wrong', 'misspelt'], ['other', 'keeps nothing'], ['away', 'needs a connection']]) {
        await go(first + rest);
        await page2.locator('#words-problem', { hasText: says }).waitFor();
      }
      await go(`  1. ANCHOR,${rest}\n`);
      await page2.locator('.app').waitFor();
      check('as the core wants them', (await page2.asked('recover')).at(-1), { words: `anchor${rest}`, origin, name: 'Chrome, Linux' });
      await close(page2);
    },
  ],
  [
    'folders',
    async () => {
      const page = await open();
      const tabs = page.getByRole('tab');
      const names = async (p = page) => (await p.locator('.chat-item .chat-name').allTextContents()).map(plain);
      const put = async (name, chats) => check(`asked for ${name}`, (await page.asked('setFolder')).at(-1), { name, chats });
      check('no folders, no tabs', await tabs.count(), 0);
      const all = await names();
      await about(page);
      await entry(page, 'Folders');
      await title(page, 'Folders');
      await page.getByRole('button', { name: 'Make and put in' }).click();
      await page.locator('.toast', { hasText: 'Type a name' }).waitFor();
      await page.getByLabel('New folder').fill('Sport');
      await page.keyboard.press('Enter');
      const on = page.getByRole('switch', { name: 'Sport' });
      await on.waitFor();
      await put('Sport', ['c-big']);
      check('the field is empty', await page.getByLabel('New folder').inputValue(), '');
      await on.click();
      await page.getByRole('switch', { name: 'Sport', checked: false }).waitFor();
      await put('Sport', []);
      await tabs.first().waitFor({ state: 'detached' });
      await on.click(); // one may have slipped: it stands there still
      await page.getByRole('switch', { name: 'Sport', checked: true }).waitFor();
      await page.getByRole('button', { name: /Rename .*Sport/ }).click();
      await page.getByLabel(/Rename .*Sport/).fill('Sports');
      check('axe, a folder is renamed', await axe(page), []);
      await page.keyboard.press('Escape');
      await on.waitFor(); // given up, and the window is still there
      await page.getByRole('button', { name: /Rename .*Sport/ }).click();
      await page.getByLabel(/Rename .*Sport/).fill(' Sports ');
      await page.keyboard.press('Enter');
      await page.getByRole('switch', { name: 'Sports', checked: true }).waitFor();
      check('asked for another name', (await page.asked('setFolder')).at(-1), { name: 'Sport', as: 'Sports' });
      await page.keyboard.press('Escape');
      await page.keyboard.press('Escape');
      await page.locator('dialog').waitFor({ state: 'detached' });
      await page.chat('Saved messages'); // may be in a folder, too
      await page.locator('.head-title').click();
      await entry(page, 'Folders');
      await page.getByRole('switch', { name: 'Sports' }).click();
      await page.getByRole('switch', { name: 'Sports', checked: true }).waitFor();
      await page.getByRole('switch', { name: 'Sports' }).click();
      await page.getByRole('switch', { name: 'Sports', checked: false }).waitFor();
      await page.keyboard.press('Escape');
      await page.keyboard.press('Escape');
      await page.locator('dialog').waitFor({ state: 'detached' });
      check('tabs', (await tabs.allTextContents()).map(plain), ['All', 'Sports']);
      check('all at first', await names(), all);
      await tabs.nth(1).click();
      check('its chats', await names(), ['City cyclists']);
      await page.locator('#search').fill('ann');
      check('a search is through all', (await names()).includes('Ann'), true);
      await page.locator('#search').fill('');
      await close(page);
      for (const [lang, next, width] of [['en', 'ArrowRight', 1280], ['fa', 'ArrowLeft', 390]]) {
        const p = await open('?as=folders', { lang, width, height: 800 });
        await p.getByRole('tab').first().focus();
        const chosen = () => p.locator('[role=tab][aria-selected=true]').textContent().then(plain);
        await p.keyboard.press(next);
        check(`${lang}: the next one along`, [await chosen(), (await names(p)).sort()], ['Friends', ['Ann', 'Reading circle']]);
        await p.keyboard.press('End');
        check(`${lang}: the last`, [await chosen(), await p.evaluate(() => document.activeElement.getAttribute('aria-selected'))], ['کار', 'true']);
        await p.keyboard.press(next);
        check(`${lang}: and round`, await p.locator('[role=tab]').first().getAttribute('aria-selected'), 'true');
        check(`axe ${lang}`, await axe(p), []);
        check(`${lang}: nothing sideways`, await p.evaluate(() => document.documentElement.scrollWidth), width);
        await close(p);
      }
    },
  ],
  [
    'accounts-and-servers',
    async () => {
      const page = await open();
      await page.locator('.brand').click();
      await page.locator('dialog .with-side').nth(1).waitFor();
      check('the others show what waits', plain(await page.locator('dialog .count').textContent()).startsWith('3'), true);
      await page.locator('dialog button.person', { hasText: 'work' }).click();
      await page.getByRole('button', { name: 'Add an account' }).click();
      check('use and add', [await page.asked('useAccount'), await page.asked('addAccount')], [['a2'], ['']]);
      await page.getByRole('button', { name: /Remove .*work.* from/ }).click();
      const question = page.locator('dialog').nth(1);
      check('what is lost is said', (await question.locator('p').textContent()).includes('nobody can bring it back'), true);
      await question.getByRole('button', { name: 'Remove from this device' }).click();
      await page.locator('dialog .with-side').nth(1).waitFor({ state: 'detached' });
      check('removed', await page.asked('removeAccount'), ['a2']);
      await page.keyboard.press('Escape');
      await page.keyboard.press('Escape');
      await about(page);
      await entry(page, 'Server');
      await page.getByRole('button', { name: 'Move here' }).click();
      await page.locator('dialog').nth(1).getByRole('button', { name: 'Move here' }).click();
      await page.locator('.sheet-body:not(.page)').waitFor();
      check('moved', await page.asked('moveChat'), [{ chat: 'c-big', origin: 'https://elsewhere.example' }]);
      await page.locator('.entry', { hasText: 'elsewhere.example' }).waitFor();
      await close(page);
      const waits = await open('?as=waits');
      await waits.chat('Ann');
      await waits.locator('.head-title').click();
      await waits.locator('.entry', { hasText: 'elsewhere.example' }).waitFor();
      await close(waits);
      const fresh = await open('?as=new');
      await fresh.locator('.others button', { hasText: 'work' }).waitFor();
      await close(fresh);
    },
  ],
  [
    'without-a-network-a-window-says-so',
    async () => {
      const page = await open();
      await page.route('**/assets/later-*.js', (r) => r.abort());
      await page.reload();
      await page.locator('.chat-item').first().waitFor();
      await page.getByRole('button', { name: 'Settings' }).click();
      await page.locator('.toast', { hasText: 'needs a connection' }).waitFor();
      await page.unroute('**/assets/later-*.js');
      await page.reload();
      await page.getByRole('button', { name: 'Settings' }).click();
      await page.locator('dialog .entry').first().waitFor();
      await close(page);
    },
  ],
];

try {
  await steps(list.filter(([name]) => !only || name.includes(only)));
  check('complaints of the pages (errors, policy)', [...new Set(complaints)].filter((c) => !/ERR_FAILED/.test(c)), []);
} finally {
  await end();
}
