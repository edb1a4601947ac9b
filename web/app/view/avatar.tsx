// The disc beside a name: the picture, or the first letter on a tint of paper that stays the same for a person.
import { fromBase64 } from '../../lib/bytes';
import { chatName } from '../act';
import type { Chat } from '../api';
import { Icon } from './icons';

const tints = 8;

function tint(id: string): number {
  let h = 0;
  for (let i = 0; i < id.length; i++) h = (h * 31 + id.charCodeAt(i)) >>> 0;
  return h % tints;
}

/** The first letter that says something: emoji and letters of any script as a whole. */
export function initial(name: string): string {
  const first = [...new Intl.Segmenter().segment(name.trim())][0]?.segment ?? '';
  return first.toLocaleUpperCase();
}

const pictures = new Map<string, string>();
const picturesMax = 200;

/** A small picture as a URL. Equal pictures share one. */
export function smallURL(base64: string, mime = 'image/jpeg'): string {
  let url = pictures.get(base64);
  if (!url) {
    url = URL.createObjectURL(new Blob([fromBase64(base64)], { type: mime }));
    pictures.set(base64, url);
    if (pictures.size > picturesMax) {
      const [oldest, old] = pictures.entries().next().value!;
      URL.revokeObjectURL(old);
      pictures.delete(oldest);
    }
  }
  return url;
}

export function Avatar(p: { id: string; name: string; picture?: string | undefined; small?: boolean }) {
  const size = p.small ? 32 : 48;
  return (
    <span class={`avatar tint-${tint(p.id)}${p.small ? ' small' : ''}`} aria-hidden="true">
      {p.picture ? <img src={smallURL(p.picture)} width={size} height={size} alt="" /> : initial(p.name)}
    </span>
  );
}

export function ChatAvatar(p: { chat: Chat; small?: boolean }) {
  if (p.chat.kind === 'saved') {
    return (
      <span class={`avatar saved${p.small ? ' small' : ''}`} aria-hidden="true">
        <Icon name="bookmark" />
      </span>
    );
  }
  return <Avatar id={p.chat.person ?? p.chat.id} name={chatName(p.chat)} picture={p.chat.picture} small={p.small ?? false} />;
}
