// Tests of the parts that need no page. Built like the app, run by test/unit.mjs under Node.
import type { Message } from '../app/api';
import { Thread } from '../app/thread';
import { lines } from '../app/view/lines';
import { safeName } from '../lib/filename';
import { fold } from '../lib/fold';
import { linkify, onlyEmoji } from '../lib/linkify';

declare const check: (name: string, got: unknown, want: unknown) => void;
declare const finish: (work: Promise<void>) => void;

// Links: what is one, where it ends, and what must never be one.
const links = (s: string) => linkify(s).flatMap((p) => (p.href ? [p.href] : []));
const linkCases: readonly [string, string, readonly string[]][] = [
  ['plain', 'see https://a.example/x', ['https://a.example/x']],
  ['www', 'www.a.example', ['https://www.a.example/']],
  ['sentence-end', 'Is it https://a.example/x?', ['https://a.example/x']],
  ['brackets-around', '(https://a.example/x)', ['https://a.example/x']],
  ['brackets-inside', 'https://a.example/x_(y)', ['https://a.example/x_(y)']],
  ['persian-comma', 'https://a.example/x، سلام', ['https://a.example/x']],
  ['two', 'http://a.example http://b.example', ['http://a.example/', 'http://b.example/']],
  ['port', 'http://localhost:8080/i#1.abc', ['http://localhost:8080/i#1.abc']],
  ['javascript', 'javascript:alert(1)', []],
  ['data', 'data:text/html,x', []],
  ['file', 'file:///etc/passwd', []],
  ['user-part', 'https://bank.example@evil.example', []],
  ['within-word', 'xhttps://a.example', []],
  ['no-dot', 'https://a', []],
  ['turned-around', 'https://a.example/\u202egnp.x', ['https://a.example/']],
  ['markup', '<img src=x onerror=alert(1)>', []],
  ['too-long', `https://a.example/${'x'.repeat(2100)}`, []],
];
for (const [name, text, want] of linkCases) {
  check(`linkify ${name}`, links(text), want);
  check(`linkify ${name} keeps the text`, linkify(text).map((p) => p.text).join(''), text);
}

check('onlyEmoji one', onlyEmoji('👍'), true);
check('onlyEmoji three', onlyEmoji('👍🎉❤️'), true);
check('onlyEmoji four', onlyEmoji('👍🎉❤️😂'), false);
check('onlyEmoji digits', onlyEmoji('12'), false);
check('onlyEmoji text', onlyEmoji('👍 ok'), false);
check('onlyEmoji family', onlyEmoji('👨‍👩‍👧'), true);

check('fold case', fold('ÄNN'), fold('ann'));
check('fold arabic letters', fold('كتابي'), fold('کتابی'));
check('fold zwnj', fold('می\u200cروم'), fold('میروم'));
check('fold yo', fold('Ёлка'), fold('елка'));

check('safeName path', safeName('../a/b.txt'), '.._a_b.txt');
check('safeName turned', safeName('a\u202etxt.exe'), 'a_txt.exe');
check('safeName empty', safeName(''), 'file');
check('safeName long', safeName('x'.repeat(300)).length, 120);

// Rows: days, runs, the line above what is new.
const at = new Date(2026, 0, 5, 12).getTime();
const minute = 60_000;
const m = (index: number, from: string, when: number, more: Partial<Message> = {}): Message => ({ id: `i${index}`, chat: 'c', index, at: when, from, fromName: from, own: false, kind: 'text', text: 't', state: 'received', ...more });
const shape = (list: Message[], newFrom: string | null) => lines(list, newFrom).map((l) => (l.kind === 'message' ? `${l.message.id}${l.first ? '<' : ''}${l.last ? '>' : ''}` : l.kind));
check('lines runs', shape([m(1, 'a', at), m(2, 'a', at + minute), m(3, 'b', at + 2 * minute)], null), ['day', 'i1<', 'i2>', 'i3<>']);
check('lines gap', shape([m(1, 'a', at), m(2, 'a', at + 6 * minute)], null), ['day', 'i1<>', 'i2<>']);
check('lines days', shape([m(1, 'a', at), m(2, 'a', at + 24 * 60 * minute)], null), ['day', 'i1<>', 'day', 'i2<>']);
check('lines new', shape([m(1, 'a', at), m(2, 'a', at + minute)], 'i2'), ['day', 'i1<>', 'new', 'i2<>']);
check('lines notice', shape([m(1, 'a', at), m(2, 'a', at, { kind: 'notice' }), m(3, 'a', at)], null), ['day', 'i1<>', 'notice', 'i3<>']);
const keys = lines([m(1, 'a', at), m(2, 'a', at + 24 * 60 * minute), m(3, 'a', at)], null).map((l) => l.key);
check('lines keys are unique although clocks disagree', new Set(keys).size, keys.length);

// A thread: pages, events in any order, no doubles.
async function threads(): Promise<void> {
  const all = Array.from({ length: 150 }, (_, i) => m(i + 1, 'a', at + i));
  const load = (before: number | undefined, limit: number) => Promise.resolve(all.filter((x) => before === undefined || x.index < before).slice(-limit));
  const t = new Thread(load);
  await t.fresh();
  check('thread newest page', [t.messages.value.length, t.messages.value[0]!.index, t.more.value], [60, 91, true]);
  check('thread older', [await t.older(), t.messages.value.length], [true, 120]);
  await t.older();
  check('thread whole', [t.messages.value.length, t.more.value, await t.older()], [150, false, false]);
  t.put(m(152, 'a', at));
  t.put(m(151, 'a', at));
  t.put(m(152, 'a', at, { text: 'changed' }));
  check('thread order', t.messages.value.slice(-3).map((x) => `${x.index}${x.text}`), ['150t', '151t', '152changed']);
  t.put({ ...m(160, 'a', at), id: 'i151' });
  check('thread moved', t.messages.value.slice(-2).map((x) => x.id), ['i152', 'i151']);
  t.drop('i151');
  check('thread dropped', t.messages.value.at(-1)!.id, 'i152');
  const half = new Thread(load);
  await half.fresh();
  half.put(m(3, 'a', at, { text: 'an old one changed' }));
  check('thread leaves what it does not hold to the core', [half.messages.value.length, half.messages.value[0]!.index], [60, 91]);
  t.trim();
  check('thread trimmed', [t.messages.value.length, t.more.value], [151, false]);
}
finish(threads());
