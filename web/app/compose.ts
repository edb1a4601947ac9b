// What is being written in each chat: text, the message replied to or edited, the files to go along.
import { type Signal, signal } from '@preact/signals';
import { toBase64 } from '../lib/bytes';
import { CoreError } from '../lib/core';
import { t } from '../lib/i18n';
import { isPhoto, isVideo } from '../lib/image';
import { type Named, mentionsIn } from '../lib/mention';
import { act, fail, putFile, send } from './act';
import { type File as Sendable, filesMax, type Message } from './api';
import { chatOf, toast } from './state';
import { thread } from './thread';

/** A file chosen but not sent. It is made ready (drawn anew, sealed, stored) at once. */
export interface Item {
  readonly key: number;
  readonly name: string;
  readonly url: string | null; // of the photo, to show it
  readonly ready: Promise<Sendable | null>;
  /** Goes as it is, with all it tells of place and camera. */
  readonly asIs: Signal<boolean>;
  /** A picture that could not be freed of what it tells. It goes only after a further word of the person. */
  readonly refused: Signal<boolean>;
  readonly file: File;
  readonly busy: Signal<boolean>;
}

// The largest file: a server's blob, less its seals.
const fileBytesMax = (64 << 20) - (64 << 10);

// How long after the last key a draft is kept, and how often typing is told.
const draftDelay = 400;
const typingEvery = 3000;

let keys = 0;

export class Compose {
  readonly text: Signal<string>;
  readonly reply = signal<Message | null>(null);
  readonly edit = signal<Message | null>(null);
  readonly items = signal<readonly Item[]>([]);
  readonly sending = signal(false);
  /** Members chosen after an @. Where the text names them is found when it is sent. */
  private named: Named[] = [];
  private timer = 0;
  private typed = 0;
  private kept: string; // what was in the box when an edit began

  constructor(private readonly chat: string) {
    this.kept = chatOf(chat)?.draft ?? '';
    this.text = signal(this.kept);
  }

  write(text: string): void {
    this.text.value = text;
    if (this.edit.value) return;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.keep(), draftDelay);
    if (text && Date.now() - this.typed > typingEvery && chatOf(this.chat)?.kind !== 'saved') {
      this.typed = Date.now();
      void act('typing', { chat: this.chat });
    }
  }

  /** Keeps the draft now: the chat or the page is left. */
  keep(): void {
    clearTimeout(this.timer);
    if (this.edit.value || this.text.value === (chatOf(this.chat)?.draft ?? '')) return;
    void act('setDraft', { chat: this.chat, text: this.text.value });
  }

  startReply(m: Message): void {
    this.cancelEdit();
    this.reply.value = m;
  }

  startEdit(m: Message): void {
    if (!this.edit.value) this.kept = this.text.value;
    this.reply.value = null;
    this.edit.value = m;
    this.text.value = m.text ?? '';
  }

  /** Edits the newest own message, if there is one. */
  editLast(): boolean {
    const last = thread(this.chat).messages.value.findLast((m) => m.own && m.kind !== 'notice' && m.kind !== 'deleted');
    if (!last?.text) return false;
    this.startEdit(last);
    return true;
  }

  /** Leaves an edit or a reply. Answers whether there was one. */
  cancel(): boolean {
    if (this.edit.value) return this.cancelEdit();
    if (!this.reply.value) return false;
    this.reply.value = null;
    return true;
  }

  private cancelEdit(): boolean {
    if (!this.edit.value) return false;
    this.edit.value = null;
    this.text.value = this.kept;
    return true;
  }

  /** Puts a member's name in place of what was typed from at to end. Answers where the caret goes. */
  mention(who: Named, at: number, end: number): number {
    const text = this.text.value;
    if (!this.named.some((n) => n.person === who.person && n.name === who.name)) this.named.push(who);
    this.write(`${text.slice(0, at)}@${who.name} ${text.slice(end).replace(/^ /, '')}`);
    return at + who.name.length + 2;
  }

  add(files: Iterable<File>): void {
    for (const f of files) {
      if (this.items.value.length >= filesMax) {
        toast.value = { text: t('files.many', { n: filesMax }) };
        return;
      }
      if (f.size > fileBytesMax) toast.value = { text: t('error.file-large') };
      else this.items.value = [...this.items.value, item(f)];
    }
  }

  /** Puts a photo that was changed in the place of the one chosen. */
  change(i: Item, f: File): void {
    if (i.url) URL.revokeObjectURL(i.url);
    this.items.value = this.items.value.map((x) => (x === i ? item(f) : x));
  }

  /** Takes a refused picture as it is. */
  anyway(i: Item): void {
    this.items.value = this.items.value.map((x) => (x === i ? item(i.file, true) : x));
  }

  remove(i: Item): void {
    if (i.url) URL.revokeObjectURL(i.url);
    this.items.value = this.items.value.filter((x) => x !== i);
  }

  /** Sends or saves the edit. What could not be sent stays in the box. */
  async submit(how: { silent?: boolean; at?: number } = {}): Promise<void> {
    const text = this.text.value.trim();
    const edited = this.edit.value;
    if (this.sending.value) return;
    if (edited) {
      if (!text || text === edited.text) {
        this.cancelEdit();
        return;
      }
      if (await act('edit', { chat: this.chat, message: edited.id, text })) this.cancelEdit();
      return;
    }
    const items = this.items.value;
    if (!text && items.length === 0) return;
    const reply = this.reply.value;
    this.sending.value = true;
    try {
      const files = (await Promise.all(items.map((i) => i.ready))).filter((f) => f !== null);
      if (files.length < items.length) {
        if (items.some((i) => i.refused.value)) toast.value = { text: t('tray.refused') };
        return; // else it was said already; the person decides
      }
      // The box is emptied before the answer, so that the next words are not lost in it.
      this.text.value = '';
      this.reply.value = null;
      clearTimeout(this.timer);
      if (await send(this.chat, text, reply?.id, files, mentionsIn(text, this.named), how)) {
        this.named = [];
        for (const i of items) this.remove(i);
        this.keep();
      } else {
        this.text.value = this.text.value ? `${text}\n${this.text.value}` : text;
        this.reply.value = reply;
      }
    } finally {
      this.sending.value = false;
    }
  }
}

function item(f: File, anyway = false): Item {
  const shown = isPhoto(f.type);
  const i: Item = {
    key: ++keys,
    name: f.name,
    url: shown ? URL.createObjectURL(f) : null,
    file: f,
    asIs: signal(anyway),
    refused: signal(false),
    busy: signal(true),
    ready: Promise.resolve(null),
  };
  const ready = (anyway ? whole(f, f) : prepare(i))
    .catch((e: unknown) => {
      fail(e instanceof CoreError ? e : new CoreError('internal'));
      return null;
    })
    .finally(() => (i.busy.value = false));
  return Object.assign(i, { ready });
}

/** Makes a file ready; no picture leaves with its hidden fields. Null when that cannot be done. */
async function prepare(i: Item): Promise<Sendable | null> {
  const f = i.file;
  if (isPhoto(f.type)) {
    const p = await (await import('../lib/photo')).photo(f).catch(() => null); // this browser cannot decode it
    if (p) {
      const name = f.name.replace(/\.\w+$/, '') + (p.mime === 'image/webp' ? '.webp' : '.jpg');
      return { ref: await putFile(p.data), name, mime: p.mime, size: p.data.size, width: p.width, height: p.height, preview: toBase64(p.preview) };
    }
  }
  if (await looksLikeImage(f)) {
    const clean = f.size <= stripBytesMax ? (await import('../lib/strip')).strip(new Uint8Array(await f.arrayBuffer())) : null;
    if (clean) return whole(f, new Blob([clean as Uint8Array<ArrayBuffer>]));
    i.refused.value = true;
    return null;
  }
  if (isVideo(f.type)) {
    const v = await (await import('../lib/video')).video(f);
    i.asIs.value = v.asIs;
    return { ...(await whole(f, v.data)), ...v.about, ...(v.preview ? { preview: toBase64(v.preview) } : {}) };
  }
  i.asIs.value = /^(image|video)\//.test(f.type);
  return whole(f, f);
}

async function whole(f: File, data: Blob): Promise<Sendable> {
  return { ref: await putFile(data), name: f.name, mime: f.type || 'application/octet-stream', size: data.size };
}

// A larger picture is not taken into memory to be searched.
const stripBytesMax = 64 << 20;

/** Tells pictures that carry hidden fields, by what they say of themselves and by how they begin. SVG is a text. */
async function looksLikeImage(f: File): Promise<boolean> {
  if (/^image\/(?!svg)/.test(f.type) || /\.(jpe?g|png|webp|gif|avif|heic|heif|tiff?|dng)$/i.test(f.name)) return true;
  const head = String.fromCharCode(...new Uint8Array(await f.slice(0, 12).arrayBuffer()));
  return /^(\xff\xd8\xff|\x89PNG|GIF8|RIFF....WEBP)/s.test(head);
}

const all = new Map<string, Compose>();

export function compose(chat: string): Compose {
  let c = all.get(chat);
  if (!c) {
    c = new Compose(chat);
    all.set(chat, c);
  }
  return c;
}

/** Keeps every draft: the page goes away. */
export function keepDrafts(): void {
  for (const c of all.values()) c.keep();
}
