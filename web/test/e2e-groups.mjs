// Groups over the real server and core: coming in by link, being let in, roles, rules, pins, mentions, bans; and a second
// account in the same browser. Part of e2e.mjs.
import { axe, check, newGroup } from './harness.mjs';

export function groupSteps({ alice, bob, carol, invite, openChat, say, sees, origin }) {
  const about = async (page) => {
    await page.locator('.head-title').click();
    await page.locator('dialog .tall-list .person:not(.blank)').first().waitFor();
  };
  const shut = async (page) => {
    while (await page.locator('dialog[open]').count()) {
      const n = await page.locator('dialog[open], .sheet-body.page').count();
      await page.keyboard.press('Escape');
      await page.waitForFunction((was) => document.querySelectorAll('dialog[open], .sheet-body.page').length < was, n);
    }
  };
  const entry = (page, name) => page.locator('dialog .entry', { hasText: name }).click();
  const groupLink = async (page, { approve = false } = {}) => {
    await about(page);
    await entry(page, 'Invite links');
    const make = page.locator('dialog').getByRole('button', { name: 'Make a link' });
    await make.waitFor();
    if (!(await page.locator('dialog .card').count())) await make.click();
    if (approve) await page.getByRole('switch', { name: /An admin lets/ }).check();
    await page.locator('dialog .card').getByRole('button', { name: 'Make a link' }).click();
    await page.locator('.qr svg[role=img]').waitFor();
    const link = await page.locator('.link-text').inputValue();
    await shut(page);
    return link;
  };
  const follow = async (who, link) => {
    await who.page.goto(link);
    await who.page.locator('dialog .primary').click();
  };
  /** On a phone Enter is a new line. */
  const tap = async (page, text) => {
    await page.locator('.composer textarea').fill(text);
    await page.locator('button.send').tap();
    await page.locator('.row.own', { hasText: text }).first().waitFor();
  };
  /** Opens the rules once this browser has read the commit that set one: others may have it before. */
  const rulesWith = async (page, name) => {
    for (;;) {
      await entry(page, 'Rules');
      const rule = page.getByRole('switch', { name });
      await rule.waitFor();
      if (await rule.isChecked()) return;
      await page.keyboard.press('Escape');
      await page.locator('.sheet-body:not(.page)').waitFor();
    }
  };
  const member = (page, name) => page.locator('dialog .tall-list .person', { hasText: name });
  return [
    [
      'a-group-by-link',
      async () => {
        const a = alice.page;
        await newGroup(a, 'City cyclists', []);
        await say(a, 'before anybody came');
        const link = await groupLink(a);
        await follow(bob, link);
        await bob.page.locator('.chat-head h1', { hasText: 'City cyclists' }).waitFor();
        await bob.page.locator('.composer textarea').waitFor();
        await tap(bob.page, 'از راه پیوند آمدم');
        await sees(a, 'از راه پیوند');
        const approved = await groupLink(a, { approve: true });
        await follow(carol, approved);
        await carol.page.locator('.closed').waitFor(); // waits to be let in
        await a.locator('.knocks').click();
        await a.getByRole('button', { name: 'Let in: Карина' }).click();
        await carol.page.locator('.composer textarea').waitFor();
        await shut(a);
        await say(carol.page, 'меня впустили');
        await sees(a, 'меня впустили');
        await sees(bob.page, 'меня впустили');
      },
    ],
    [
      'roles-rules-pins-mentions',
      async () => {
        const a = alice.page;
        await about(a);
        await member(a, 'بابک').click();
        await a.getByRole('menuitem', { name: 'Make admin' }).click();
        await a.locator('dialog').last().getByRole('button', { name: 'Yes' }).click();
        await member(a, 'بابک').locator('.tag.admin').waitFor();
        await entry(a, 'Name, picture');
        await a.getByRole('textbox', { name: 'Description' }).fill('Rides on Saturdays');
        await a.locator('dialog').getByRole('button', { name: 'Save' }).click();
        await a.locator('.about-text', { hasText: 'Rides' }).waitFor();
        await shut(a);
        await a.locator('.row.own', { hasText: 'before anybody came' }).click({ button: 'right' });
        await a.getByRole('menuitem', { name: 'Pin for everyone' }).click();
        await a.locator('.pin-line', { hasText: 'before anybody came' }).waitFor();
        await bob.page.locator('.pins').waitFor();
        const box = a.locator('.composer textarea');
        await box.pressSequentially('Welcome @Кар');
        await a.locator('.pick li', { hasText: 'Карина' }).waitFor();
        await a.keyboard.press('Enter');
        await a.keyboard.press('Enter');
        await carol.page.locator('.mention.self', { hasText: 'Карина' }).waitFor();
        check('axe, a group with pins', await axe(a), []);
        await about(a);
        await entry(a, 'Rules');
        await a.getByRole('switch', { name: /Only admins write/ }).check();
        await a.locator('dialog').getByRole('button', { name: 'Save' }).click();
        await carol.page.locator('.closed').waitFor();
        check('an admin still writes', await bob.page.locator('.composer textarea').count(), 1);
        await a.locator('.sheet-body:not(.page)').waitFor();
        await rulesWith(a, /Only admins write/);
        await a.getByRole('switch', { name: /Only admins write/ }).uncheck();
        await a.getByLabel(/Slow mode/).selectOption({ label: '1 hour' });
        await a.locator('dialog').getByRole('button', { name: 'Save' }).click();
        await carol.page.locator('.composer textarea').waitFor();
        await shut(a);
        await say(carol.page, 'одно в час');
        await carol.page.locator('.wait').waitFor();
        await sees(a, 'одно в час');
      },
    ],
    [
      'ban-and-erase',
      async () => {
        const a = alice.page;
        await about(a);
        await member(a, 'Карина').click();
        await a.getByRole('menuitem', { name: 'Ban and erase' }).click();
        await a.locator('dialog').last().getByRole('button', { name: 'Ban and erase' }).click();
        await carol.page.locator('.closed').waitFor();
        await shut(a);
        for (const p of [a, bob.page]) await p.waitForFunction(() => ![...document.querySelectorAll('.row .text')].some((e) => /впустили|одно в час/.test(e.textContent)));
        await about(a);
        await entry(a, 'Banned');
        await a.locator('dialog .person', { hasText: 'Карина' }).waitFor();
        await shut(a);
      },
    ],
    [
      'a-second-account-in-one-browser',
      async () => {
        const a = alice.page;
        const link = await invite(bob.page);
        await a.locator('.brand').click();
        await a.getByRole('button', { name: 'Add an account' }).click();
        await a.locator('.others button', { hasText: 'Alice' }).waitFor();
        await a.locator('#link').fill(link);
        await a.keyboard.press('Enter');
        await a.locator('#name').fill('Night Owl');
        await a.keyboard.press('Enter');
        await a.locator('.composer textarea').waitFor();
        await say(a, 'nobody knows this is Alice');
        await openChat(bob.page, 'Night Owl');
        await sees(bob.page, 'nobody knows');
        check('its own chats only', await a.locator('.chat-item', { hasText: 'City cyclists' }).count(), 0);
        await a.reload();
        await a.locator('.row.own', { hasText: 'nobody knows' }).waitFor();
        // Both at once, each in a tab of its own.
        const both = await alice.tab(origin);
        await both.locator('.chat-item', { hasText: 'Night Owl' }).waitFor({ state: 'detached' });
        await both.locator('.brand').click();
        await both.locator('dialog button.person', { hasText: 'Alice' }).click();
        await both.locator('.chat-item', { hasText: 'City cyclists' }).waitFor();
        await tap(bob.page, 'are you there?');
        await sees(a, 'are you there?');
        await both.close();
        await a.locator('.brand').click();
        await a.getByRole('button', { name: /Remove .*Night Owl.* from/ }).click();
        await a.locator('dialog').last().getByRole('button', { name: 'Remove from this device' }).click();
        await a.locator('.chat-item', { hasText: 'City cyclists' }).waitFor();
        const folders = await a.evaluate(async () => {
          const out = [];
          for await (const [name] of await navigator.storage.getDirectory()) out.push(name);
          return out;
        });
        check('its folder is gone', folders, ['paperplane']);
        await a.locator('.brand').click();
        await a.locator('dialog .with-side').first().waitFor();
        check('one account is left', await a.locator('dialog .with-side').count(), 1);
        await shut(a);
      },
    ],
  ];
}
