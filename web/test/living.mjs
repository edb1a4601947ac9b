// Being told: notifications of the system, lines and tones in the app, the number on the icon; installing; and what the
// server holds, from inside the app. The browser's own part (permission, notification, badge) is stood in for.
import { axe, check, fakePages, steps } from './harness.mjs';

const only = process.argv[2]; // a part of a step's name
const { open, complaints, end, origin } = await fakePages();
const close = (page) => page.context().close();
const plain = (s) => s.replace(/[\u2066-\u2069]/g, '').trim();

/** Stands in for the browser's notifications, in every tab of the context that is opened or loaded from now on. */
const standIn = (context, answer = 'granted') =>
  context.addInitScript((says) => {
    globalThis.front = true;
    document.hasFocus = () => globalThis.front;
    globalThis.told = [];
    globalThis.badges = [];
    globalThis.tones = 0;
    globalThis.Notification = class {
      static get permission() {
        return localStorage.getItem('test.permission') ?? 'default';
      }
      static async requestPermission() {
        localStorage.setItem('test.permission', says);
        return says;
      }
      constructor(title, o) {
        Object.assign(this, { title, ...o, open: true });
        for (const n of globalThis.told) if (n.tag === o.tag) n.open = false;
        globalThis.told.push(this);
      }
      close() {
        this.open = false;
      }
    };
    navigator.setAppBadge = async (n) => void globalThis.badges.push(n);
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (at) {
      globalThis.tones++;
      start.call(this, at);
    };
  }, answer);

async function ready(page) {
  await page.goto(`${origin}/`);
  await page.locator('.chat-item').first().waitFor();
  await page.getByRole('button', { name: /Settings|تنظیمات/ }).click(); // and with it all that is loaded later
  await page.locator('dialog .entry').first().waitFor();
}
async function start(answer, options) {
  const page = await open('', options);
  await standIn(page.context(), answer);
  await ready(page);
  return page;
}
const entry = (page, name) => page.locator('dialog .entry', { hasText: name }).click();
const turnOn = async (page) => {
  await entry(page, 'Notifications');
  await page.getByRole('switch', { name: 'Notifications on this device' }).check();
};
const done = async (page) => {
  for (let n = await page.locator('dialog[open]').count(); n > 0; n = await page.locator('dialog[open]').count()) {
    await page.keyboard.press('Escape');
    await page.waitForTimeout(50);
  }
};
const front = (page, on) =>
  page.evaluate((x) => {
    globalThis.front = x;
    dispatchEvent(new Event(x ? 'focus' : 'blur'));
  }, on);
const hear = (page, chat, text, more = {}) =>
  page.evaluate(([c, s, m]) => {
    const f = globalThis.fake;
    f.hear(c, 'Ann', s);
    f.change(c, { last: { ...f.chat(c).last, ...m } });
  }, [chat, text, more]);
const told = (page) => page.evaluate(() => globalThis.told.map(({ title, body, silent, open }) => ({ title, body, silent, open })));
const toldText = async (page) => (await told(page)).map((n) => plain(`${n.title} | ${n.body}`));
/** After this, all that was heard before has been told, if it is at all: something that is told comes last. */
async function settled(page, n) {
  await page.waitForFunction((k) => globalThis.told.length >= k, n);
}

const list = [
  [
    'off-until-a-tap',
    async () => {
      const page = await start('granted');
      await done(page);
      await front(page, false);
      await hear(page, 'c-ann', 'nobody asked for this');
      await page.waitForTimeout(1200);
      check('nothing by itself', [await told(page), await page.evaluate(() => Notification.permission)], [[], 'default']);
      await front(page, true);
      await page.getByRole('button', { name: 'Settings' }).click();
      await turnOn(page);
      const choice = page.getByRole('combobox', { name: 'They show' });
      check('without content at first', await choice.inputValue(), 'plain');
      await page.getByRole('switch', { name: 'Notifications on this device' }).uncheck();
      await choice.waitFor({ state: 'detached' });
      await close(page);
      const no = await start('denied');
      await entry(no, 'Notifications');
      await no.getByRole('switch', { name: 'Notifications on this device' }).click();
      await no.locator('.note[role=status]', { hasText: 'does not allow' }).waitFor();
      check('stays off', await no.getByRole('switch', { name: 'Notifications on this device' }).isChecked(), false);
      await close(no);
    },
  ],
  [
    'what-is-told-and-what-is-not',
    async () => {
      const page = await start('granted');
      await turnOn(page);
      await done(page);
      await front(page, false);
      // What must not be told comes first; then what is.
      await page.evaluate(() => globalThis.fake.change('c-group', { muted: -1 }));
      await hear(page, 'c-group', 'muted');
      await page.evaluate(() => globalThis.fake.change('c-big', { archived: true }));
      await hear(page, 'c-big', 'put aside');
      await hear(page, 'c-boris', 'mine', { own: true, state: 'sent' });
      await hear(page, 'c-ann', 'the secret');
      await settled(page, 1);
      const n = Number(await page.evaluate(() => globalThis.badges.at(-1)));
      check('one, without content', await toldText(page), [`Paperplane | ${n} new messages`]);
      check('silent by default', (await told(page))[0].silent, true);
      const tag = await page.evaluate(() => globalThis.told[0].tag);
      check('no name in the tag', tag, 'paperplane-new');
      // A click opens the chat.
      await page.evaluate(() => globalThis.told[0].onclick());
      await page.locator('.chat-head', { hasText: 'Ann' }).waitFor();
      check('closed by the click', (await told(page))[0].open, false);
      // With names, and with texts.
      await front(page, true);
      await page.getByRole('button', { name: 'Settings' }).click();
      await entry(page, 'Notifications');
      await page.getByRole('combobox', { name: 'They show' }).selectOption('name');
      await done(page);
      await front(page, false);
      await page.evaluate(() => globalThis.fake.change('c-boris', { unread: 0 }));
      await hear(page, 'c-boris', 'one');
      await settled(page, 2);
      await front(page, true);
      await page.getByRole('button', { name: 'Settings' }).click();
      await entry(page, 'Notifications');
      await page.getByRole('combobox', { name: 'They show' }).selectOption('text');
      await page.getByRole('switch', { name: 'Sound' }).check();
      await done(page);
      await front(page, false);
      await hear(page, 'c-boris', 'two ||hidden||');
      await settled(page, 3);
      await hear(page, 'c-boris', 'soon gone', { gone: Date.now() + 60_000 });
      await settled(page, 4);
      await hear(page, 'c-boris', 'hush', { silent: true });
      await settled(page, 5);
      check('names, texts', (await toldText(page)).slice(1), ['Борис | New message', 'Борис | two ▒▒▒', 'Борис | 3 new messages', 'Борис | hush']);
      check('sounds', (await told(page)).slice(1).map((x) => x.silent), [true, false, false, true]);
      check('one for a chat', await page.evaluate(() => new Set(globalThis.told.slice(1).map((x) => x.tag)).size), 1);
      check('no id in the tag', await page.evaluate(() => globalThis.told.at(-1).tag.includes('boris')), false);
      // Read elsewhere: it goes.
      await page.evaluate(() => globalThis.fake.change('c-boris', { unread: 0 }));
      await page.waitForFunction(() => globalThis.told.every((x) => !x.open));
      await close(page);
    },
  ],
  [
    'read-at-once-is-not-told',
    async () => {
      const page = await start('granted');
      await turnOn(page);
      await done(page);
      await front(page, false);
      await hear(page, 'c-boris', 'read in another tab');
      await page.evaluate(() => globalThis.fake.change('c-boris', { unread: 0 }));
      await hear(page, 'c-ann', 'then this');
      await settled(page, 1);
      check('only what waits', (await told(page)).length, 1);
      await close(page);
    },
  ],
  [
    'one-tab-tells-and-none-while-one-is-in-front',
    async () => {
      const page = await start('granted');
      await turnOn(page);
      await done(page);
      const second = await page.context().newPage();
      await ready(second);
      await done(second);
      const both = async (chat, text) => {
        await hear(page, chat, text);
        await hear(second, chat, text);
      };
      // One is in front: it shows the list, so nothing at all is told.
      await front(page, false);
      await front(second, true);
      await second.waitForFunction(async () => (await navigator.locks.query()).held.some((l) => l.name === 'paperplane-seen'));
      await both('c-boris', 'while one looks');
      await page.waitForTimeout(1200);
      check('nobody tells', [await told(page), await told(second)], [[], []]);
      await front(second, false);
      await second.waitForFunction(async () => !(await navigator.locks.query()).held.some((l) => l.name === 'paperplane-seen'));
      await both('c-ann', 'while nobody looks');
      await settled(page, 1);
      await page.waitForTimeout(300);
      check('one of two tells', [(await told(page)).length, (await told(second)).length], [1, 0]);
      // When that tab goes, the other takes over.
      await page.close();
      await second.waitForFunction(async () => (await navigator.locks.query()).held.some((l) => l.name === 'paperplane-tells'));
      await second.waitForTimeout(100);
      await hear(second, 'c-ann', 'and now');
      await settled(second, 1);
      await close(second);
    },
  ],
  [
    'in-the-app',
    async () => {
      const page = await start('granted', { width: 390, height: 780, touch: true });
      await entry(page, 'Notifications');
      await page.getByRole('switch', { name: 'Sound' }).check();
      check('a tone to hear what it is', await page.evaluate(() => globalThis.tones), 2);
      await done(page);
      await page.chat('Ann');
      await page.waitForTimeout(1600); // tones keep apart
      await hear(page, 'c-boris', 'over *here*');
      const line = page.locator('.toast', { hasText: 'over here' });
      await line.waitFor();
      check('who and what', plain((await line.locator('span').textContent()).replace(/[\u2066-\u2069]/g, '')), 'Борис: over here');
      check('a tone', await page.evaluate(() => globalThis.tones), 4);
      await line.getByRole('button').click();
      await page.locator('.chat-head', { hasText: 'Борис' }).waitFor();
      await hear(page, 'c-boris', 'in the open chat');
      await page.locator('.row', { hasText: 'in the open chat' }).first().waitFor();
      await page.waitForTimeout(1200);
      check('nothing of the open chat', [await page.locator('.toast').count(), await page.evaluate(() => globalThis.tones)], [0, 4]);
      await close(page);
    },
  ],
  [
    'through-the-service-worker',
    async () => {
      const first = await open();
      const context = await first.context().browser().newContext({ permissions: ['notifications'], reducedMotion: 'reduce' });
      await close(first);
      await context.addInitScript(() => {
        localStorage.setItem('pp.lang', 'en');
        localStorage.setItem('pp.tell', 'name');
        document.hasFocus = () => false;
        // A browser without a screen has nowhere to show them.
        globalThis.told = [];
        ServiceWorkerRegistration.prototype.showNotification = async function (title, o) {
          globalThis.told.push({ title, ...o, open: true, close() { this.open = false; } });
        };
        ServiceWorkerRegistration.prototype.getNotifications = async ({ tag }) => globalThis.told.filter((n) => n.open && n.tag === tag);
      });
      const page = await context.newPage();
      page.setDefaultTimeout(8000);
      await ready(page);
      await done(page);
      await page.evaluate(() => navigator.serviceWorker.ready.then(() => null));
      const wait = (n) => page.waitForFunction((k) => globalThis.told.filter((x) => x.open).length === k, n);
      await hear(page, 'c-boris', 'x');
      await wait(1);
      check('shown by the worker', await toldText(page), ['Борис | New message']);
      const tag = await page.evaluate(() => globalThis.told[0].tag);
      const click = (name) =>
        context.serviceWorkers()[0].evaluate((x) => new Promise((after) => dispatchEvent(Object.assign(new Event('notificationclick'), { notification: { tag: x, close() {} }, waitUntil: (p) => p.then(() => after('ok'), () => after('not brought to the front')) }))), name);
      await click(tag);
      await page.locator('.chat-head', { hasText: 'Борис' }).waitFor();
      await page.evaluate(() => globalThis.told[0].close()); // as the browser does when the worker says so
      await hear(page, 'c-ann', 'y');
      await wait(1);
      await page.evaluate(() => globalThis.fake.change('c-ann', { unread: 0 }));
      await wait(0); // read elsewhere
      await click('of a page that was closed'); // nobody knows it: nothing is opened
      check('still in that chat', await page.locator('.chat-head', { hasText: 'Борис' }).count(), 1);
      await context.close();
    },
  ],
  [
    'the-number-on-the-icon',
    async () => {
      const page = await start('granted');
      await done(page);
      const last = () => page.evaluate(() => globalThis.badges.at(-1));
      const before = await last();
      await page.evaluate(() => globalThis.fake.change('c-boris', { unread: globalThis.fake.chat('c-boris').unread + 2 }));
      check('more', (await last()) - before, 2);
      await page.evaluate(() => globalThis.fake.w.chats.forEach((c) => globalThis.fake.change(c.id, { unread: 0, marked: false })));
      check('none', await last(), 0);
      await close(page);
    },
  ],
  [
    'installing',
    async () => {
      const page = await start('granted');
      check('not offered', await page.locator('dialog .entry', { hasText: 'Install' }).count(), 0);
      check('the browser’s own bar stays away', await page.evaluate(() => {
        const e = new Event('beforeinstallprompt', { cancelable: true });
        e.prompt = async () => (globalThis.prompted = true);
        return dispatchEvent(e);
      }), false);
      await entry(page, 'Install as an app');
      await page.waitForFunction(() => globalThis.prompted);
      await page.locator('dialog .entry', { hasText: 'Install' }).waitFor({ state: 'detached' });
      const m = await page.evaluate(async () => (await fetch('/app.webmanifest')).json());
      check('the manifest', [m.name, m.start_url, m.display, m.lang, m.dir], ['Paperplane', '/', 'standalone', 'en', 'auto']);
      const sizes = await page.evaluate(
        (icons) => Promise.all(icons.filter((i) => i.type === 'image/png').map(async (i) => {
          const b = await createImageBitmap(await (await fetch(i.src)).blob());
          return [i.sizes === `${b.width}x${b.height}` ? i.sizes : `not ${i.sizes}`, i.purpose ?? 'any'];
        })),
        m.icons,
      );
      check('its icons', sizes, [['192x192', 'any'], ['512x512', 'any'], ['512x512', 'maskable']]);
      await close(page);
    },
  ],
  [
    'what-the-server-holds',
    async () => {
      for (const [lang, dark] of [['en', false], ['fa', true], ['ru', false]]) {
        const page = await open('?as=waits', { lang, dark, width: 320, height: 700 });
        await page.locator('.sidebar .bar .quiet').nth(2).click();
        for (const [i, name] of { en: ['Notifications', 'What the server'], fa: ['اعلان‌ها', 'سرور از شما'], ru: ['Уведомления', 'Что сервер'] }[lang].entries()) {
          await entry(page, name);
          await page.locator('.sheet-body.page > *').first().waitFor();
          await page.waitForTimeout(200);
          check(`axe ${lang} ${i}`, await axe(page), []);
          check(`${lang} ${i}: nothing sideways`, await page.evaluate(() => [...document.querySelectorAll('.sheet-body')].every((d) => d.scrollWidth === d.clientWidth)), true);
          if (i === 1) {
            check(`${lang}: all three parts`, await page.locator('.held .points').count(), 3);
            check(`${lang}: other servers`, (await page.locator('.held .points').last().textContent()).includes('elsewhere.example'), true);
          }
          await page.keyboard.press('Escape');
          await page.locator('.sheet-body:not(.page)').waitFor();
        }
        await close(page);
      }
    },
  ],
];

try {
  await steps(list.filter(([name]) => !only || name.includes(only)));
  check('complaints of the pages (errors, policy)', [...new Set(complaints)], []);
} finally {
  await end();
}
