// Tests of the parts that need no page. Built like the app, run by test/unit.mjs under Node.
import type { Chat, Message } from '../app/api';
import { news, shown } from '../app/later/news';
import { acts } from '../app/roles';
import { Thread } from '../app/thread';
import { lines } from '../app/view/lines';
import { decode, encode } from '../lib/cbor';
import { safeName } from '../lib/filename';
import { fold } from '../lib/fold';
import { format, type Inline, plainText, source } from '../lib/format';
import { firstDir } from '../lib/lang';
import { linkify, onlyEmoji } from '../lib/linkify';
import { cut, mentionsIn, typedMention } from '../lib/mention';
import { geoURI, placeIn } from '../lib/place';
import { cardIn } from '../lib/vcard';
import { marked } from '../lib/marks';
import { album } from '../lib/album';
import { withoutPlace } from '../lib/box';
import { decodable, dims } from '../lib/dims';
import { clockOf, loudness, wave } from '../lib/wave';
import { move, whole, zoomAt } from '../lib/zoom';
import { strip } from '../lib/strip';

declare const check: (name: string, got: unknown, want: unknown) => void;
declare const finish: (work: Promise<void>) => void;

// CBOR: the bytes of RFC 8949's examples, and of ours, both ways.
const hex = (b: Uint8Array) => Array.from(b, (x) => x.toString(16).padStart(2, '0')).join('');
const unhex = (s: string) => Uint8Array.from(s.match(/../g) ?? [], (x) => parseInt(x, 16));
const thrown = (f: () => unknown) => {
  try {
    return JSON.stringify(f());
  } catch {
    return 'throws';
  }
};

// Pictures that are not drawn anew: kept is what shows, dropped is what tells. '·' stands before what must go.
const bytes = (...parts: (string | number[])[]) => parts.flatMap((p) => (typeof p === 'string' ? Array.from(p, (c) => c.charCodeAt(0)) : p));
const segment = (marker: number, body: string) => bytes([0xff, marker, 0, body.length + 2], body);
const chunk = (name: string, body: string) => bytes([0, 0, 0, body.length], name, body, [1, 2, 3, 4]);
const riff = (name: string, body: string) => bytes(name, [body.length, 0, 0, 0], body, body.length & 1 ? [0] : []);
const webp = (...chunks: number[][]) => bytes('RIFF', [4 + chunks.flat().length, 0, 0, 0], 'WEBP', chunks.flat());
const block = (body: string) => bytes([body.length], body, [0]);
const soi = [0xff, 0xd8];
const scan = bytes([0xff, 0xda, 0, 3, 1, 9, 0xff, 0, 8, 0xff, 0xd3, 7]);
const eoi = [0xff, 0xd9];
const pngHead = bytes('\x89PNG\r\n\x1a\n', chunk('IHDR', 'size'));
const gifHead = bytes('GIF89a', [1, 0, 1, 0, 0x80, 0, 0], 'rgbrgb');
const frame = bytes([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0x80], 'rgbrgb', [2], block('px'));
const loops = bytes([0x21, 0xff], [11], 'NETSCAPE2.0', block('\x01\x00\x00'));
const stripCases: readonly [string, number[], number[] | null][] = [
  ['jpeg', bytes(soi, segment(0xe0, 'JFIF\0x'), segment(0xe1, 'Exif\0\0GPS'), segment(0xe2, 'ICC_PROFILE\0x'), segment(0xe2, 'MPF\0'), segment(0xed, 'Photoshop'), segment(0xee, 'Adobe'), segment(0xfe, 'comment'), segment(0xdb, 'table'), scan, segment(0xc4, 'h'), scan, eoi, 'a film'),
    bytes(soi, segment(0xe0, 'JFIF\0x'), segment(0xe2, 'ICC_PROFILE\0x'), segment(0xee, 'Adobe'), segment(0xdb, 'table'), scan, segment(0xc4, 'h'), scan, eoi)],
  ['jpeg-cut', bytes(soi, segment(0xe1, 'Exif'), scan), null],
  ['jpeg-length-beyond', bytes(soi, [0xff, 0xe1, 0xff, 0xff], eoi), null],
  ['png', bytes(pngHead, chunk('eXIf', 'GPS'), chunk('tEXt', 'who'), chunk('iTXt', 'who'), chunk('zTXt', 'who'), chunk('tIME', 'then'), chunk('tRNS', 't'), chunk('IDAT', 'px'), chunk('IEND', ''), 'an older screenshot'), bytes(pngHead, chunk('tRNS', 't'), chunk('IDAT', 'px'), chunk('IEND', ''))],
  ['png-cut', bytes(pngHead, chunk('IDAT', 'px')), null],
  ['webp', bytes(webp(riff('VP8X', '\x1caaabbbcc'), riff('VP8 ', 'px!'), riff('EXIF', 'GPS'), riff('XMP ', 'who')), 'more'), webp(riff('VP8X', '\x10aaabbbcc'), riff('VP8 ', 'px!'))],
  ['webp-longer-than-there-is', webp(riff('VP8 ', 'pixels')).slice(0, -1), null],
  ['gif', bytes(gifHead, loops, [0x21, 0xfe], block('comment'), [0x21, 0xff], [11], 'XMP DataXMP', block('who'), [0x21, 0xf9], block('time'), frame, [0x3b], 'more'), bytes(gifHead, loops, [0x21, 0xf9], block('time'), frame, [0x3b])],
  ['gif-cut', bytes(gifHead, frame), null],
  ['not-an-image', bytes('%PDF-1.7'), null],
  ['empty', [], null],
];
for (const [name, from, want] of stripCases) {
  const got = strip(Uint8Array.from(from));
  check(`strip ${name}`, got && hex(got), want && hex(Uint8Array.from(want)));
  // Cut anywhere it is no image, or one without what was dropped; and it ends.
  for (let n = 0; n < from.length; n++) {
    const cut = strip(Uint8Array.from(from.slice(0, n)));
    if (cut) check(`strip ${name} cut at ${n}`, hex(cut), want && hex(Uint8Array.from(want)));
  }
}
check('first letters', ['see you', 'سلام Ann', '🍵 12 سلام', 'Ann: سلام', '👍 1', ''].map(firstDir), ['ltr', 'rtl', 'rtl', 'ltr', null, null]);

const cborCases: readonly [unknown, string][] = [
  [0, '00'], [23, '17'], [24, '1818'], [255, '18ff'], [256, '190100'], [65535, '19ffff'], [65536, '1a00010000'], [4294967295, '1affffffff'],
  [4294967296, '1b0000000100000000'], [Number.MAX_SAFE_INTEGER, '1b001fffffffffffff'], [-1, '20'], [-24, '37'], [-25, '3818'], [-1000, '3903e7'],
  [false, 'f4'], [true, 'f5'], [null, 'f6'], ['', '60'], ['ü', '62c3bc'], ['\ufeffa', '64efbbbf61'], ['𐅑', '64f0908591'], [[], '80'], [[1, [2, 3]], '8201820203'],
  [{}, 'a0'], [{ a: 1, b: [2, 'c'] }, 'a2616101616282026163'], [{ picture: 'AQI=' }, 'a16770696374757265420102'],
  [{ preview: '' }, 'a1677072657669657740'], [{ text: 'AQI=' }, 'a16474657874644151493d'],
  ['x'.repeat(300), `79012c${'78'.repeat(300)}`], [Array.from({ length: 24 }, () => 0), `9818${'00'.repeat(24)}`],
];
for (const [value, bytes] of cborCases) {
  check(`cbor encode ${bytes.slice(0, 30)}`, hex(encode(value)), bytes);
  check(`cbor decode ${bytes.slice(0, 30)}`, JSON.stringify(decode(unhex(bytes))), JSON.stringify(value));
}
check('cbor undefined is left out', hex(encode({ a: undefined, b: 1 })), 'a1616201');
check('cbor a view of a larger buffer', decode(unhex('ffff190100ff').subarray(2, 5)), 256);
check('cbor a key like no other', Object.keys(decode(unhex('a1695f5f70726f746f5f5f01')) as object), ['__proto__']);
check('cbor bytes that are no UTF-8', decode(unhex('62c328')), '\ufffd(');
for (const bad of [1.5, 2 ** 53, Number.NaN, undefined, [undefined], 1n, () => 0]) check(`cbor encode ${String(bad)}`, thrown(() => encode(bad)), 'throws');
const deep = (n: number): unknown => (n === 0 ? 0 : [deep(n - 1)]);
check('cbor encode 16 deep', hex(encode(deep(16))), `${'81'.repeat(16)}00`);
check('cbor encode 17 deep', thrown(() => encode(deep(17))), 'throws');
check('cbor decode 16 deep', thrown(() => decode(unhex(`${'81'.repeat(16)}00`))), JSON.stringify(deep(16)));
// Nothing, a rest, cut off (five ways), indefinite, reserved, a number key, a key twice, too large, float, tag, undefined, too deep.
for (const bad of ['', '0000', '18', '6261', '8201', 'a16161', '9b00ffffffffffffff', '9fff', '1c', 'a10102', 'a2616101616102', '1b0020000000000000', 'f93c00', 'c000', 'f7', `${'81'.repeat(17)}00`]) {
  check(`cbor decode of ${bad.slice(0, 30)}`, thrown(() => decode(unhex(bad))), 'throws');
}

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

// Names in texts: what is being typed, where the chosen ones stand, and how a text is shown.
for (const [text, caret, want] of [
  ['@', 1, { at: 0, query: '' }],
  ['hello @an', 9, { at: 6, query: 'an' }],
  ['hello @ann lee', 14, { at: 6, query: 'ann lee' }],
  ['hello @ann lee is', 17, null], // names have two words at most
  ['mail@example', 12, null],
  ['(@мин', 5, { at: 1, query: 'мин' }],
  ['@an and more', 3, { at: 0, query: 'an' }],
  ['@a\n', 3, null],
] as const) {
  check(`typed ${JSON.stringify(text)} at ${caret}`, typedMention(text, caret), want);
}
const ann = { person: 'a', name: 'Ann' };
const annLee = { person: 'b', name: 'Ann Lee' };
const mina = { person: 'm', name: 'مینا 🌿' };
check('mentions: the longest name', mentionsIn('@Ann Lee and @Ann', [ann, annLee]), [{ start: 0, length: 8, person: 'b' }, { start: 13, length: 4, person: 'a' }]);
check('mentions: UTF-16 units', mentionsIn('😀 @مینا 🌿', [mina]), [{ start: 3, length: 8, person: 'm' }]);
check('mentions: erased again', mentionsIn('An', [ann]), []);
check('mentions: as many as a message may name', mentionsIn('@Ann '.repeat(21), [ann]).length, 20);
check('cut', cut('hi @Ann!', [{ start: 3, length: 4, person: 'a' }]), [{ text: 'hi ' }, { text: '@Ann', person: 'a' }, { text: '!' }]);
check('cut: beyond the end, overlapping, empty, negative', cut('@Ann', [{ start: 0, length: 4, person: 'a' }, { start: 2, length: 2, person: 'b' }, { start: 0, length: 9, person: 'c' }, { start: 1, length: 0, person: 'd' }, { start: -1, length: 2, person: 'e' }]), [{ text: '@Ann', person: 'a' }]);
check('cut: none', cut('hi', undefined), [{ text: 'hi' }]);

// Who may do what to whom, as convo's policy has it.
const other = { own: false, admin: false };
check('a member does nothing', acts('member', { ...other, role: 'member' }), []);
check('an admin to a member', acts('admin', { ...other, role: 'member' }), ['admin', 'remove', 'ban', 'erase']);
check('an admin to an admin', acts('admin', { ...other, role: 'admin' }), []);
check('an admin to an owner', acts('admin', { ...other, role: 'owner' }), []);
check('an owner to an admin', acts('owner', { ...other, role: 'admin' }), ['owner', 'member', 'remove', 'ban', 'erase']);
check('an owner to an owner', acts('owner', { ...other, role: 'owner' }), ['admin', 'remove', 'ban', 'erase']);
check('oneself, admin', acts('admin', { own: true, admin: true, role: 'admin' }), ['member']);
check('oneself, member', acts('member', { own: true, admin: false, role: 'member' }), []);

// Marks in texts. Written as a tree: b, i, s, | and ` stand for bold, italic, struck, spoiler and code.
const tree = (text: string, mentions?: Parameters<typeof format>[1]): string => {
  const of = (n: Inline): string => (n.kind === 'text' ? n.text : n.kind === 'code' ? `<code ${n.text}>` : n.kind === 'link' ? `<a ${n.text}>` : n.kind === 'mention' ? `<at ${n.text}>` : `<${n.kind} ${n.of.map(of).join('')}>`);
  const line = (l: Inline[]) => l.map(of).join('');
  return format(text, mentions).map((b) => (b.kind === 'lines' ? b.lines.map(line).join('/') : b.kind === 'quote' ? `[> ${b.lines.map(line).join('/')}]` : b.kind === 'list' ? `[${b.items.map((i) => i.mark + line(i.of)).join('/')}]` : `[${b.lang}| ${b.text}]`)).join('');
};
for (const [text, want] of [
  ['*bold* and _it_ and ~no~', '<bold bold> and <italic it> and <struck no>'],
  ['**bold** ~~no~~', '<bold bold> <struck no>'],
  ['*_both_*, (*in*)!', '<bold <italic both>>, (<bold in>)!'],
  ['a*b*c 2*3*4 snake_case_name __init__', 'a*b*c 2*3*4 snake_case_name __init__'],
  ['* no * _ no _', '* no * _ no _'],
  ['*open _closed_', '*open <italic closed>'],
  ['*a _b* c_', '<bold a _b> c_'],
  ['*a *b*', '<bold a *b>'],
  ['** *** **** _', '** *** **** _'],
  ['||the end|| | or || not', '<spoiler the end> | or || not'],
  ['`a*b*` `` `c', '<code a*b*> `` `c'],
  ['\\*no\\* \\_x_ C:\\dir', '*no* _x_ C:\\dir'],
  ['*жирный* _متن_ ~ہٹا~', '<bold жирный> <italic متن> <struck ہٹا>'],
  ['مُ*د* کتاب*', 'مُ*د* کتاب*'],
  ['*👍* 👍*👍*', '<bold 👍> 👍<bold 👍>'],
  ['https://a.example/_x_*y* *https://b.example/*', '<a https://a.example/_x_*y>* <bold <a https://b.example/>>'],
  ['> said\n> _twice_\nanswer', '[> said/<italic twice>]answer'],
  ['>no quote', '>no quote'],
  ['- one\n- *two*\n3. three\n۴. چهار', '[- one/- <bold two>/3. three/۴. چهار]'],
  ['-no\n1.no\n- ', '-no/1.no/- '],
  ['```\n*as* it\n\n is\n```\nafter', '[| *as* it\n\n is]after'],
  ['```go\nx := 1\n```', '[go| x := 1]'],
  ['```one line```', '[| one line]'],
  ['```never closed\n*b*', '```never closed/<bold b>'],
  ['``````', '``````'],
  ['*a\nb*', '*a/b*'],
  ['', ''],
] as const) {
  check(`format ${JSON.stringify(text)}`, tree(text), want);
  check(`source of ${JSON.stringify(text)}`, source(format(text)), text);
}
check('format: marks around a link', tree('*see https://b.example/a_b_c now*'), '<bold see <a https://b.example/a_b_c> now>');
check('format: a mention is one piece', tree('*hi @A *x* B*', [{ start: 4, length: 8, person: 'a' }]), '<bold hi <at @A *x* B>>');
check('format: a mention over a line end is none', tree('@A\nB', [{ start: 0, length: 4, person: 'a' }]), '@A/B');
check('plain text', plainText('*a* `b` ||c|| > \n> _d_\n- e'), 'a b ▒▒▒ > \nd\n- e');
{
  // Whatever is typed, no sign is lost, and a text twice as long takes about twice the steps (a quadratic parser would hang).
  let seed = 20260101;
  const next = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
  const signs = ['*', '_', '~', '`', '|', '||', '\\', '\n', '```', '> ', '- ', '1. ', ' ', 'a', 'я', 'ب', '👍', 'https://x.example/', '.', '('];
  let lost = '';
  for (let i = 0; i < 20000 && !lost; i++) {
    let s = '';
    for (let k = next(24); k >= 0; k--) s += signs[next(signs.length)];
    if (source(format(s, next(3) ? [] : [{ start: next(8), length: 1 + next(6), person: 'p' }])) !== s) lost = s;
  }
  check('format loses nothing (seed 20260101)', lost, '');
  for (const s of ['*a ', '`', '```', '``` ', '||a', '*_~', '\\', '- ', '> *', '*a* ', '_a*b_ c*']) check(`format ends: ${s}`, source(format(s.repeat(60_000))).length, s.length * 60_000);
}

// Marks put on and taken off what is selected.
for (const [text, a, b, sign, want] of [
  ['one two', 4, 7, '*', 'one *two*'],
  ['one *two*', 5, 8, '*', 'one two'],
  ['one two ', 3, 8, '_', 'one _two_ '],
  ['a\nb', 0, 3, '~', '~a~\n~b~'],
  ['x\ny', 0, 3, '`', '```\nx\ny\n```'],
  ['a\nb', 2, 3, '> ', 'a\n> b'],
  ['> a\n> b', 0, 7, '> ', 'a\nb'],
  ['', 0, 0, '||', '||||'],
] as const) {
  const r = marked(text, a, b, sign);
  check(`mark ${JSON.stringify(text)} ${a}-${b} ${sign}`, text.slice(0, r.from) + r.put + text.slice(r.to), want);
}

// Places and people.
for (const [text, want] of [
  ['geo:35.69,51.39', { lat: 35.69, lon: 51.39 }],
  [' GEO:-33.5,-70,12.5;u=35 ', { lat: -33.5, lon: -70 }],
  ['geo:90,180;crs=wgs84', { lat: 90, lon: 180 }],
  ['geo:90.1,0', null],
  ['geo:0,180.5', null],
  ['geo:0,0;crs=moon', null],
  ['see geo:1,2', null],
  ['geo:1,2 there', null],
  ['geo:1e5,2', null],
  [`geo:1,2;${'a'.repeat(200)}`, null],
] as const) {
  check(`place ${text.slice(0, 40)}`, placeIn(text), want);
}
check('place: said and read', placeIn(geoURI({ lat: -0.000001, lon: 12.3456789 })), { lat: -0, lon: 12.34568 });
const vcard = (...lines: string[]) => cardIn(['BEGIN:VCARD', 'VERSION:3.0', ...lines, 'END:VCARD', 'TEL:no'].join('\r\n'));
check('card', vcard('N:Lee;Ann;;;', 'TEL;TYPE=cell:+1 555', 'item1.EMAIL:a@b.example', 'NOTE:secret', 'PHOTO;ENCODING=b:AAAA'), { name: 'Ann Lee', lines: [{ kind: 'tel', text: '+1 555' }, { kind: 'email', text: 'a@b.example' }] });
check('card: folded, escaped, bidi', vcard('FN:Mi\r\n na\\, Dr.\u202e\u0000', 'ORG:A\\;B;C'), { name: 'Mina, Dr.', lines: [{ kind: 'org', text: 'A;B, C' }] });
check('card: quoted-printable', vcard('FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=90=D0=BD=D1=8F'), { name: 'Аня', lines: [] });
check('card: bounded', [vcard(...Array(50).fill('TEL:1'))!.lines.length, vcard(`FN:${'x'.repeat(999)}`)!.name.length], [12, 200]);
check('card: none', [cardIn('hello'), vcard()], [null, null]);

// Sizes of pictures in their first bytes.
const be = (n: number, k: number) => Array.from({ length: k }, (_, i) => (n >>> (8 * (k - 1 - i))) & 255);
const u8 = (...parts: (string | number[])[]) => new Uint8Array(bytes(...parts));
const dimsOf = (b: Uint8Array) => {
  const d = dims(b);
  return d && [d.width, d.height];
};
const sof = bytes([0xff, 0xc0, 0, 17, 8], be(60_000, 2), be(65_000, 2), [3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]);
for (const [name, b, want] of [
  ['PNG bomb', u8('\x89PNG\r\n\x1a\n', be(13, 4), 'IHDR', be(50_000, 4), be(50_001, 4)), [50_000, 50_001]],
  ['GIF', u8('GIF89a', [0x40, 1, 0xf0, 0], [0, 0, 0, 0, 0, 0]), [320, 240]],
  ['JPEG after EXIF', u8(soi, segment(0xe1, 'Exif'), segment(0xc4, 'tables'), sof), [65_000, 60_000]],
  ['JPEG cut', u8(soi, segment(0xe1, 'Exif'), [0xff, 0xc0, 0, 17, 8, 1, 1, 1, 1]).subarray(0, 18), null],
  ['WebP X', u8('RIFF', [0, 0, 0, 0], 'WEBPVP8X', [10, 0, 0, 0, 0, 0, 0, 0], [0xff, 0x3f, 0], [0xff, 0x1f, 0]), [16_384, 8192]],
  ['WebP lossless', u8('RIFF', [0, 0, 0, 0], 'WEBPVP8L', [5, 0, 0, 0, 0x2f], [0x8f, 0xc1, 0x18, 0], [0, 0, 0, 0, 0]), [400, 100]],
  ['AVIF, the largest', u8(be(20, 4), 'ftypavif', be(0, 8), be(20, 4), 'ispe', be(0, 4), be(64, 4), be(64, 4), be(20, 4), 'ispe', be(0, 4), be(40_000, 4), be(30_000, 4)), [40_000, 30_000]],
  ['BMP upside down', u8('BM', be(0, 16), [0, 16, 0, 0], [0, 240, 255, 255]), [4096, 4096]],
  ['text', u8('hello, this is a text of some length'), null],
  ['nothing', u8(), null],
] as const) {
  check(`dims: ${name}`, dimsOf(b), want);
}
{
  // Whatever comes, a size or nothing: no head makes it run beyond its bytes.
  let seed = 77;
  const next = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
  const heads = [u8('\x89PNG\r\n\x1a\n'), u8('GIF8'), u8('BM'), u8('RIFF....WEBPVP8 '), u8('RIFF....WEBPVP8L'), u8('RIFF....WEBPVP8X'), u8(soi), u8('....ftyp'), u8(soi, [0xff, 0xc0])];
  let bad = '';
  for (let i = 0; i < 20_000; i++) {
    const h = heads[next(heads.length)]!;
    const b = new Uint8Array(next(80));
    for (let k = 0; k < b.length; k++) b[k] = k < h.length ? h[k]! : next(4) ? next(256) : 255;
    if (thrown(() => dims(b)) === 'throws') bad = hex(b);
  }
  check('dims never throw (seed 77)', bad, '');
}

check('album', [2, 3, 4, 5, 6, 7, 8, 9, 10].map((n) => album(Array(n).fill({ width: 4, height: 3 })).map((r) => r.length).join('+')), ['2', '1+2', '2+2', '2+3', '3+3', '2+2+3', '2+3+3', '3+3+3', '3+3+4']);
check('album: wide, tall, odd', [album([{ width: 9000, height: 1 }, { width: 16, height: 9 }]).map((r) => r.map((x) => x.toFixed(2))), album(Array(3).fill({ width: 1, height: 900 })), album([{ width: 0, height: 0 }, { width: 1, height: 1 }]).flat()], [[['1.90'], ['1.78']], [[0.6, 0.6, 0.6]], [0.6, 1]]);

const pic = { width: 400, height: 300 };
const pane = { width: 400, height: 800 };
check('zoom at a point keeps it', zoomAt(whole, 2, 100, 0, pic, pane), { scale: 2, x: -100, y: 0 });
check('zoom: not beyond its edges', [zoomAt(whole, 4, 200, 400, pic, pane), move({ scale: 2, x: 0, y: 0 }, 9999, -9999, pic, pane)], [{ scale: 4, x: -600, y: -200 }, { scale: 2, x: 200, y: 0 }]);
check('zoom: from whole to eight times', [zoomAt(whole, 0.1, 5, 5, pic, pane), zoomAt(whole, 99, 0, 0, pic, pane).scale], [whole, 8]);

check('wave', [[...wave([])], [...wave([0, 1, 2])], [...wave([10, 100, 50])], wave(Array.from({ length: 1000 }, (_, i) => i % 256)).length], [[], [0, 1, 2], [26, 255, 128], 64]);
check('loudness', [loudness(new Float32Array(8)), loudness(new Float32Array(8).fill(1)), loudness(new Float32Array())], [0, 255, 0]);
check('clock', [0, 999, 59_499, 61_000, 600_000].map((ms) => clockOf(ms, String)), ['0:00', '0:01', '0:59', '1:01', '10:00']);

// Videos: what tells becomes zeros, all else stays where it was.
const mp4box = (kind: string, ...body: (string | number[])[]) => {
  const b = bytes(...body);
  return bytes(be(b.length + 8, 4), kind, b);
};
const times = [1, 2, 3, 4, 5, 6, 7, 8];
const track = (handler: string) => mp4box('trak', mp4box('tkhd', be(0, 4), times, 'rest'), mp4box('mdia', mp4box('mdhd', be(0, 4), times, 'rest'), mp4box('hdlr', be(0, 8), handler, be(0, 12), 'Writer'), mp4box('minf', 'x'.repeat(0), mp4box('stbl', 'samples'))), mp4box('udta', 'secret-name'));
const film = (handler = 'vide') => bytes(mp4box('ftyp', 'isom'), mp4box('free', 'secret-old'), mp4box('mdat', 'pictures'), mp4box('moov', mp4box('mvhd', be(0, 4), times, 'rest'), track(handler), mp4box('udta', mp4box('\xa9xyz', 'secret-place')), mp4box('meta', 'secret-phone')), mp4box('uuid', 'secret-xmp'));
finish(
  (async () => {
    const made = await withoutPlace(new Blob([new Uint8Array(film())]));
    const out = made ? new Uint8Array(await made.arrayBuffer()) : new Uint8Array();
    const said = String.fromCharCode(...out);
    check('video: nothing tells, nothing moved', [out.length, /secret|Writer/.test(said), said.indexOf('pictures'), said.includes('samples'), said.includes('rest'), said.includes(String.fromCharCode(...times))], [film().length, false, String.fromCharCode(...film()).indexOf('pictures'), true, true, false]);
    // A track of measurements goes, with its samples in the middle of the pictures: two chunks, of two samples and of one.
    const tables = mp4box('stbl', mp4box('stsz', be(0, 8), be(3, 4), be(2, 4), be(3, 4), be(4, 4)), mp4box('stsc', be(0, 4), be(2, 4), be(1, 4), be(2, 4), be(1, 4), be(2, 4), be(1, 4), be(1, 4)), mp4box('stco', be(0, 4), be(2, 4), be(20, 4), be(29, 4)));
    const meta = mp4box('trak', mp4box('mdia', mp4box('hdlr', be(0, 8), 'meta', be(0, 12), 'Writer'), mp4box('minf', tables)));
    const phone = bytes(mp4box('ftyp', 'isom'), mp4box('mdat', 'HEREspicTHERt'), mp4box('moov', track('vide'), meta));
    const clean = new Uint8Array(await (await withoutPlace(new Blob([new Uint8Array(phone)])))!.arrayBuffer());
    check('video: measurements go with their samples', [clean.length, String.fromCharCode(...clean.subarray(20, 33)), String.fromCharCode(...clean).includes('meta')], [phone.length, '\0\0\0\0\0picT\0\0\0\0', false]);
    const no = async (b: number[]) => (await withoutPlace(new Blob([new Uint8Array(b)]))) === null;
    check('video: refused', [await no(film('meta').with(0, 0)), await no(film('meta')), await no(film().slice(0, -3)), await no(bytes('hello world, no video')), await no([]), await no(bytes(mp4box('ftyp', 'isom'), mp4box('moov', be(99, 4), 'trak')))], [true, true, true, true, true, true]);
  })(),
);

finish(
  (async () => {
    const png = (w: number, h: number) => new Blob([u8('\x89PNG\r\n\x1a\n', be(13, 4), 'IHDR', be(w, 4), be(h, 4))]);
    check('decoded at the limit, not above', [await decodable(png(10_000, 10_000)), await decodable(png(10_000, 10_001)), await decodable(new Blob(['text']))], [true, false, true]);
  })(),
);

// What people are told of: more unread than before, by somebody else, where nothing is muted.
const line = (id: string, unread: number, last: Partial<Message> | null = {}, more: Partial<Chat> = {}) =>
  ({ id, unread, ...(last ? { last: { own: false, kind: 'text', state: 'received', ...last } } : {}), ...more }) as Chat;
const before = new Map([['a', 0], ['b', 2]]);
const newsCases: readonly [string, ReadonlyMap<string, number> | null, Chat[], string[], string[]][] = [
  ['at-the-start-nothing', null, [line('a', 5)], [], []],
  ['one-more', before, [line('a', 1), line('b', 2)], ['a'], []],
  ['the-same', before, [line('a', 0), line('b', 2)], [], []],
  ['a-new-chat', before, [line('a', 0), line('b', 2), line('c', 1)], ['c'], []],
  ['read', before, [line('a', 0), line('b', 0)], [], ['b']],
  ['a-chat-that-went', before, [line('a', 0)], [], ['b']],
  ['some-read', before, [line('a', 0), line('b', 1)], [], []],
  ['own', before, [line('a', 1, { own: true }), line('b', 2)], [], []],
  ['a-notice', before, [line('a', 1, { kind: 'notice' }), line('b', 2)], [], []],
  ['taken-back', before, [line('a', 0), line('b', 3, { kind: 'deleted' })], [], ['b']],
  ['no-message', before, [line('a', 1, null), line('b', 2)], [], []],
  ['muted-for-ever', before, [line('a', 1, {}, { muted: -1 }), line('b', 2)], [], []],
  ['muted-still', before, [line('a', 1, {}, { muted: Date.now() + 60_000 }), line('b', 2)], [], []],
  ['muted-no-more', before, [line('a', 1, {}, { muted: Date.now() - 1 }), line('b', 2)], ['a'], []],
  ['put-aside', before, [line('a', 1, {}, { archived: true }), line('b', 2)], [], []],
];
for (const [name, was, chats, tell, over] of newsCases) {
  const n = news(was, chats);
  check(`news ${name}`, [n.tell, n.over, [...n.now]], [tell, over, chats.map((c) => [c.id, c.unread])]);
}
check('shown', [shown(line('a', 1), 'text'), shown(line('a', 1, { gone: 1 }), 'text'), shown(line('a', 1, {}, { vanish: 60 }), 'text'), shown(line('a', 1, { gone: 1 }), 'plain')], ['text', 'name', 'name', 'plain']);
