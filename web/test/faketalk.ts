// Canned messages of every kind. Test-only.
import type { Message } from '../app/api';
import { now, photoFile } from './fakepeople';

export function talk(): Message[] {
  let index = 50_000;
  const say = (ago: number, from: string, m: Partial<Message>): Message => ({ id: `t${++index}`, chat: 'c-ann', index, at: now - ago * 1000, from: from === 'Mina' ? 'p-me' : `p-${from}`, fromName: from, own: from === 'Mina', kind: m.files ? 'file' : m.poll ? 'poll' : 'text', state: from === 'Mina' ? 'read' : 'received', ...m });
  const wave = btoa(String.fromCharCode(...Array.from({ length: 64 }, (_, i) => 40 + Math.round(Math.abs(Math.sin(i / 3) * Math.cos(i / 11)) * 215))));
  const voice = (n: number, duration: number) => ({ name: 'voice.webm', mime: 'audio/wav', size: 30_000, duration, wave, voice: true, state: 'local', ref: `voice${n}` });
  return [
    say(50, 'Ann', { text: '*Tonight:* the _old_ library, `room 3`. ||It is a surprise for Boris||\n> bring tea\n- cups\n- honey' }),
    say(49, 'Ann', { text: 'The walk', files: [photoFile('1.jpg', 1200, 900), photoFile('2.jpg', 900, 1200), photoFile('3.jpg', 1200, 800), photoFile('4.jpg', 1000, 1000), photoFile('5.jpg', 1600, 900)] }),
    say(48, 'Ann', { files: [voice(1, 2000)] }),
    say(47, 'Ann', { files: [voice(2, 1000)] }),
    say(46, 'Mina', { files: [voice(3, 42_000)] }),
    say(45, 'Mina', { text: 'Which evening?\n', kind: 'poll', poll: { question: 'Which evening suits you?', voters: 3, options: [{ text: 'Thursday', votes: 2, own: true, by: ['Mina', 'Ann'] }, { text: 'Friday, but late', votes: 1, by: ['Борис'] }, { text: 'شنبه', votes: 0, by: [] }] } }),
    say(44, 'Ann', { poll: { question: 'Which month has the longest nights?', quiz: true, voters: 0, options: [{ text: 'June', votes: 0 }, { text: 'December', votes: 0 }] } }),
    say(43, 'Ann', { text: 'Read this before Thursday.', forwarded: 'Olivia Park' }),
    say(42, 'Ann', { text: 'geo:59.9343,30.3351' }),
    say(41, 'Mina', { files: [{ ...photoFile('sticker.png', 512, 512), sticker: '🌿' }] }),
  ].map((m) => (m.poll ? { ...m, text: '' } : m));
}

/** A second of a tone. */
export function sound(): Blob {
  const rate = 8000;
  const b = new DataView(new ArrayBuffer(44 + rate * 2));
  const put = (at: number, s: string) => [...s].forEach((c, i) => b.setUint8(at + i, c.charCodeAt(0)));
  put(0, 'RIFF');
  b.setUint32(4, 36 + rate * 2, true);
  put(8, 'WAVEfmt ');
  b.setUint32(16, 16, true);
  b.setUint16(20, 1, true);
  b.setUint16(22, 1, true);
  b.setUint32(24, rate, true);
  b.setUint32(28, rate * 2, true);
  b.setUint16(32, 2, true);
  b.setUint16(34, 16, true);
  put(36, 'data');
  b.setUint32(40, rate * 2, true);
  for (let i = 0; i < rate; i++) b.setInt16(44 + i * 2, Math.sin(i / 4) * 8000, true);
  return new Blob([b.buffer], { type: 'audio/wav' });
}
