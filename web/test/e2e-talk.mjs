// What messages can be, over the real server and core: marks, an album, a blurred photo, a voice, a video, a poll with votes
// from both, forwarding, threads, silence, a later time, search, and a chat put aside. Part of e2e.mjs.
import { check } from './harness.mjs';

export function talkSteps({ alice, bob, openChat, say, sees }) {
  const menu = async (page, row, name) => {
    await row.click({ button: 'right' });
    await page.getByRole('menuitem', { name }).click();
  };
  /** A picture of one colour as PNG, drawn in the page. */
  const png = async (page, colour, size) =>
    Buffer.from(
      await page.evaluate(async ([fill, edge]) => {
        const c = document.createElement('canvas');
        [c.width, c.height] = [edge, Math.round(edge * 0.75)];
        const g = c.getContext('2d');
        g.fillStyle = fill;
        g.fillRect(0, 0, c.width, c.height);
        return [...new Uint8Array(await (await new Promise((r) => c.toBlob(r))).arrayBuffer())];
      }, [colour, size]),
    );
  return [
    [
      'marks-albums-and-voices',
      async () => {
        const [a, b] = [alice.page, bob.page];
        await openChat(a, 'بابک');
        await openChat(b, 'Alice');
        await a.locator('.composer textarea').fill('*bold* and ||the surprise||');
        await a.keyboard.press('Enter');
        const row = b.locator('.row.other', { hasText: 'bold and' }).last();
        await row.locator('b', { hasText: 'bold' }).waitFor();
        await row.locator('.spoiler').tap();
        await row.locator('.spoiler.shown', { hasText: 'the surprise' }).waitFor();

        const files = [];
        for (const [i, colour] of ['#a33', '#3a3', '#33a'].entries()) files.push({ name: `p${i}.png`, mimeType: 'image/png', buffer: await png(a, colour, 600 + i * 100) });
        await a.locator('.compose-line input[type=file]').setInputFiles(files);
        await a.locator('.tray-item:not(.busy)').nth(2).waitFor();
        await a.locator('.tray-item').first().locator('.tray-edit').click();
        await a.locator('.editor canvas').waitFor();
        await a.getByRole('button', { name: 'Rotate' }).click();
        await a.getByRole('button', { name: 'Done' }).click();
        await a.locator('dialog').waitFor({ state: 'detached' });
        await a.locator('.tray-item.busy').waitFor({ state: 'detached' });
        await a.locator('.composer textarea').fill('an album');
        await a.keyboard.press('Enter');
        const album = b.locator('.row.other', { hasText: 'an album' }).last();
        await album.locator('.photo .sharp').nth(2).waitFor();
        check('rows of the album', await album.locator('.photo-row').evaluateAll((all) => all.map((r) => r.children.length)), [3]);
        await album.locator('.photo').first().tap();
        await b.locator('.lightbox img.shown').waitFor();
        check('turned before it left', await b.locator('.lightbox img.shown').evaluate((i) => i.decode().then(() => i.naturalWidth < i.naturalHeight)), true);
        await b.keyboard.press('Escape');
        await b.locator('.lightbox').waitFor({ state: 'detached' });

        await a.context().grantPermissions(['microphone']);
        await a.locator('.mic').focus();
        await a.keyboard.press('Enter');
        await a.locator('.recorder .time', { hasText: /0:0[1-9]/ }).waitFor();
        await a.locator('.recorder .send').click();
        await a.locator('.row.own .voice').last().waitFor();
        const voice = b.locator('.row.other .voice').last();
        await voice.locator('input:not(:disabled)').waitFor(); // it came by itself
        await voice.locator('button.disc').tap();
        await voice.locator('.speed').waitFor();
        await voice.locator('.speed').waitFor({ state: 'detached' }); // played to its end
      },
    ],
    [
      'polls-threads-and-forwarding',
      async () => {
        const [a, b] = [alice.page, bob.page];
        await a.getByRole('button', { name: 'Attach' }).click();
        await a.getByRole('menuitem', { name: 'Poll' }).click();
        await a.getByLabel('Question').fill('Tea or coffee?');
        await a.getByLabel('Answer 1', { exact: true }).fill('Tea');
        await a.getByLabel('Answer 2', { exact: true }).fill('Coffee');
        await a.getByRole('button', { name: 'Ask' }).click();
        await a.locator('dialog').waitFor({ state: 'detached' });
        await b.locator('.poll').getByRole('button', { name: 'Coffee' }).tap();
        await b.locator('.poll .result').first().waitFor();
        await a.locator('.poll').getByRole('button', { name: 'Tea' }).click();
        await a.locator('.poll .foot', { hasText: '2 voters' }).waitFor();
        check('votes', await a.locator('.poll .share').allTextContents(), ['50%', '50%']);

        await say(a, 'the root of it');
        await sees(b, 'the root of it');
        const root = a.locator('.row.own', { hasText: 'the root of it' }).first();
        await root.locator('.state:is(.sent, .delivered, .read)').first().waitFor({ state: 'attached' });
        await menu(a, root, 'Reply');
        await say(a, 'a first answer');
        await root.getByRole('button', { name: '1 answer' }).click();
        await a.getByLabel('Answer in the thread').fill('a second answer');
        await a.keyboard.press('Enter');
        await a.locator('dialog .row', { hasText: 'a second answer' }).waitFor();
        await a.keyboard.press('Escape');
        await sees(b, 'a second answer');

        await menu(a, root, 'Forward');
        await a.locator('dialog label.person', { hasText: 'Saved messages' }).click();
        await a.locator('dialog').getByRole('button', { name: 'Forward' }).click();
        await a.locator('.chat-head h1', { hasText: 'Saved messages' }).waitFor();
        await a.locator('.row .forwarded', { hasText: 'Alice' }).waitFor();
        await openChat(a, 'بابک');
      },
    ],
    [
      'silent-later-search-and-aside',
      async () => {
        const [a, b] = [alice.page, bob.page];
        await a.locator('.composer textarea').fill('hush now');
        await a.locator('.send').click({ button: 'right' });
        await a.getByRole('menuitem', { name: 'Send without sound' }).click();
        await sees(b, 'hush now');
        await a.locator('.composer textarea').fill('for the evening');
        await a.locator('.send').click({ button: 'right' });
        await a.getByRole('menuitem', { name: 'Send later' }).click();
        await a.locator('dialog .entry', { hasText: 'In an hour' }).click();
        const waiting = a.locator('.row.own', { hasText: 'for the evening' }).first();
        await waiting.locator('.corner .state.scheduled').waitFor();
        check('nobody has it yet', await b.locator('.row', { hasText: 'for the evening' }).count(), 0);
        await menu(a, waiting, 'Send now');
        await sees(b, 'for the evening');

        await say(a, 'Ёлка и كتاب');
        await a.locator('#search').fill('елка کتاب');
        await a.locator('.found .chat-item', { hasText: 'Ёлка' }).first().click();
        await a.locator('.row.own', { hasText: 'Ёлка' }).first().waitFor();
        check('the search field is empty again', await a.locator('#search').inputValue(), '');

        const item = a.locator('.chats li .chat-item', { hasText: 'Saved messages' });
        await item.click({ button: 'right' });
        await a.getByRole('menuitem', { name: 'Archive' }).click();
        await item.waitFor({ state: 'detached' });
        await a.getByRole('button', { name: /Archived/ }).click();
        await item.click({ button: 'right' });
        await a.getByRole('menuitem', { name: 'Take out' }).click();
        await a.locator('.chats .aside').waitFor({ state: 'detached' });
        await item.waitFor();
        await menu(a, a.locator('.row.own', { hasText: 'hush now' }).first(), 'Delete for me');
        await a.locator('dialog').getByRole('button', { name: 'Delete' }).click();
        await a.locator('.row.own', { hasText: 'hush now' }).waitFor({ state: 'detached' });
        check('the other keeps it', await b.locator('.row.other', { hasText: 'hush now' }).count(), 1);
      },
    ],
  ];
}
