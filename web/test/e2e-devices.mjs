// One person on several devices over the real server and core: linking by code and digits, signing a device out, and twelve
// words that bring the account back. Part of e2e.mjs.
import { axe, bare, check } from './harness.mjs';

export function deviceSteps({ person, alice, bob, openChat, say, sees }) {
  let tablet = null;
  const settings = async (page, name) => {
    const back = page.locator('.back');
    if (await back.isVisible()) await back.click();
    await page.locator('.sidebar .bar .quiet').nth(2).click();
    await page.locator('dialog .entry', { hasText: name }).click();
    await page.locator('.sheet-body.page > *').first().waitFor();
  };
  const shut = async (page) => {
    await page.locator('dialog').getByRole('button', { name: 'Close' }).click();
    await page.locator('dialog').waitFor({ state: 'detached' });
  };
  const tap = async (page, text) => {
    await page.locator('.composer textarea').fill(text);
    await page.locator('button.send').tap();
    await page.locator('.row.own', { hasText: text }).first().waitFor();
  };
  return [
    [
      'link-a-device',
      async () => {
        const a = alice.page;
        await openChat(a, 'بابک');
        await say(a, 'written before the tablet');
        await settings(a, 'Devices');
        await a.locator('dialog').getByRole('button', { name: 'Link a device' }).click();
        await a.locator('.qr svg[role=img]').waitFor();
        const link = await a.locator('.link-text').inputValue();
        tablet = await person({ dark: true });
        tablet.page = await tablet.tab(link);
        const t = tablet.page;
        await t.locator('#device-name').fill('Tablet');
        await t.keyboard.press('Enter');
        const digits = await Promise.all([a, t].map((p) => p.locator('.digits').getAttribute('aria-label')));
        check('the same six digits on both', [digits[0] === digits[1], /^(\d ){5}\d$/.test(digits[0])], [true, true]);
        check('axe, digits', await axe(t), []);
        for (const p of [a, t]) await p.getByRole('button', { name: 'They are the same' }).click();
        await t.locator('.app').waitFor();
        await bare(t);
        await a.locator('dialog [role=status]', { hasText: 'Tablet' }).waitFor();
        await a.getByRole('button', { name: 'Done' }).click();
        await a.locator('.devices bdi', { hasText: 'Tablet' }).waitFor();
        await shut(a);
        await openChat(t, 'بابک');
        await t.locator('.row.own', { hasText: 'written before the tablet' }).waitFor();
        await say(t, 'from the tablet');
        await a.locator('.row.own', { hasText: 'from the tablet' }).waitFor();
        await openChat(bob.page, 'Alice');
        await sees(bob.page, 'from the tablet');
        await tap(bob.page, 'به هر دو');
        await sees(a, 'به هر دو');
        await sees(t, 'به هر دو');
      },
    ],
    [
      'sign-a-device-out',
      async () => {
        const a = alice.page;
        await settings(a, 'Devices');
        await a.locator('.devices button.person', { hasText: 'Tablet' }).click();
        await a.getByRole('button', { name: 'Sign out' }).click();
        await a.locator('dialog').last().getByRole('button', { name: 'Sign out' }).click();
        await a.locator('.devices bdi', { hasText: 'Tablet' }).waitFor({ state: 'detached' });
        await shut(a);
        await openChat(a, 'بابک');
        await say(a, 'the tablet is gone');
        await sees(bob.page, 'the tablet is gone');
        check('it reads nothing new', await tablet.page.locator('.row', { hasText: 'the tablet is gone' }).count(), 0);
        await tablet.context.close();
      },
    ],
    [
      'twelve-words-bring-it-back',
      async () => {
        const a = alice.page;
        await settings(a, 'Twelve words');
        await a.getByRole('button', { name: 'Show the words' }).click();
        await a.locator('.words b').nth(11).waitFor(); // the core makes them
        const words = await a.locator('.words b').allTextContents();
        check('twelve', words.length, 12);
        if (await a.getByRole('button', { name: 'I have written' }).count()) {
          await a.getByRole('button', { name: 'I have written' }).click();
          for (const field of await a.locator('.check input').all()) {
            const at = Number(/\d+/.exec(await field.getAttribute('id'))[0]);
            await field.fill(words[at]);
          }
          await a.keyboard.press('Enter');
        }
        await a.locator('.entry', { hasText: 'in use' }).waitFor();
        await shut(a);
        const found = await person();
        const page = await found.tab();
        await page.getByRole('button', { name: 'I already use' }).click();
        await page.getByRole('button', { name: /With my twelve words/ }).click();
        const go = async (list) => {
          await page.locator('#words').fill(list.join(' '));
          await page.getByRole('button', { name: 'Bring my account back' }).click();
        };
        await go(['zzzz', ...words.slice(1)]);
        await page.locator('#words-problem', { hasText: 'misspelt' }).waitFor();
        await go(words);
        await page.locator('.chat-item', { hasText: 'بابک' }).waitFor();
        await openChat(page, 'بابک');
        await page.locator('.notice', { hasText: 'You use a new device' }).waitFor();
        await say(page, 'all is back');
        await sees(bob.page, 'all is back');
        await found.context.close();
      },
    ],
  ];
}
