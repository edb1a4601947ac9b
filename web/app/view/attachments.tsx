// A message's photos and files: their room is kept from the first moment, and every transfer can be stopped.
import { useEffect } from 'preact/hooks';
import { bytes, number, t } from '../../lib/i18n';
import { isShown } from '../../lib/photo';
import { act } from '../act';
import type { Attachment, Message } from '../api';
import { imageURL, saveFile } from '../files';
import { lightbox } from '../state';
import { smallURL } from './avatar';
import { Icon } from './icons';
import { Later } from './later';

// Photos up to this size come by themselves; larger ones wait for a tap.
const autoBytesMax = 8_000_000;
// The room of a single photo, in px.
const photoWidthMax = 340;
const photoHeightMax = 400;
const photoWidthMin = 140;

const isImage = (a: Attachment) => isShown(a.mime) && (a.width ?? 0) > 0 && (a.height ?? 0) > 0;

export function Attachments({ m }: { m: Message }) {
  const files = m.files ?? [];
  const images = files.filter(isImage);
  return (
    <>
      {images.length > 0 ? (
        <div class={images.length === 1 ? 'photos one' : 'photos'}>
          {files.map((f, i) => (isImage(f) ? <Photo key={i} m={m} file={f} index={i} alone={images.length === 1} /> : null))}
        </div>
      ) : null}
      {files.map((f, i) => {
        if (isImage(f)) return null;
        const line = <FileLine key={i} m={m} file={f} index={i} />;
        return /^text\/(x-)?vcard$/.test(f.mime) ? <Later key={i} show={(x) => <x.ContactCard file={f} line={line} />} /> : line;
      })}
    </>
  );
}

const fetchFile = (m: Message, file: number) => void act('fetch', { chat: m.chat, message: m.id, file });
const stopFile = (m: Message, file: number) => void act('stop', { chat: m.chat, message: m.id, file });

interface Props {
  m: Message;
  file: Attachment;
  index: number;
}

function Photo({ m, file, index, alone }: Props & { alone: boolean }) {
  const url = imageURL(file).value;
  const moving = file.state === 'loading' || file.state === 'uploading';
  useEffect(() => {
    if (file.state === 'remote' && file.size <= autoBytesMax) fetchFile(m, index);
  }, [file.state]);
  const w = file.width ?? 1;
  const h = file.height ?? 1;
  const shown = Math.max(photoWidthMin, Math.min(w, photoWidthMax, (photoHeightMax * w) / h));
  const press = () => {
    if (url) lightbox.value = { message: m, index };
    else if (moving) stopFile(m, index);
    else fetchFile(m, index);
  };
  const label = url ? t('photo.open') : moving ? t('file.stop') : t('photo.load', { size: bytes(file.size) });
  return (
    <button type="button" class="photo" aria-label={label} onClick={press} style={alone ? { aspectRatio: `${w} / ${Math.max(h, 1)}`, inlineSize: `${shown}px` } : {}}>
      {file.preview ? <img class="blurred" src={smallURL(file.preview)} alt="" /> : null}
      {url ? <img class="sharp" src={url} width={w} height={h} alt="" decoding="async" /> : null}
      {moving ? <Ring file={file} /> : !url && file.state !== 'local' ? (
        <span class="disc">
          <Icon name={file.state === 'failed' ? 'retry' : 'download'} />
        </span>
      ) : null}
    </button>
  );
}

function FileLine({ m, file, index }: Props) {
  const moving = file.state === 'loading' || file.state === 'uploading';
  const local = file.state === 'local' || (file.ref !== undefined && !moving);
  const press = () => {
    if (moving) stopFile(m, index);
    else if (local) void saveFile(file);
    else fetchFile(m, index);
  };
  const label = moving ? t('file.stop') : local ? t('file.save', { name: file.name }) : t('file.load', { name: file.name });
  return (
    <div class="file">
      <button type="button" class="disc" aria-label={label} title={label} onClick={press}>
        {moving ? <Ring file={file} /> : <Icon name={local ? 'file' : file.state === 'failed' ? 'retry' : 'download'} />}
      </button>
      <span class="file-lines">
        <span class="file-name">
          <bdi>{file.name}</bdi>
        </span>
        <span class="dim">{moving ? t('file.of', { done: bytes(file.done ?? 0), size: bytes(file.size) }) : file.state === 'failed' ? t('file.failed') : bytes(file.size)}</span>
      </span>
    </div>
  );
}

/** How much of a transfer is done, with the cross that stops it. */
function Ring({ file }: { file: Attachment }) {
  const share = file.size > 0 ? Math.min(100, Math.round((100 * (file.done ?? 0)) / file.size)) : 0;
  return (
    <span class="ring" role="progressbar" aria-valuenow={share} aria-valuemin={0} aria-valuemax={100} aria-label={t('file.percent', { percent: number(share) })}>
      <svg viewBox="0 0 44 44" aria-hidden="true">
        <circle cx="22" cy="22" r="19" />
        <circle class="done" cx="22" cy="22" r="19" pathLength="100" stroke-dasharray={`${Math.max(4, share)} 100`} />
        <path d="M17 17l10 10M27 17L17 27" />
      </svg>
    </span>
  );
}
