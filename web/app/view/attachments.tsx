// A message's photos and files: their room is kept from the first moment, and every transfer can be stopped.
import { useEffect } from 'preact/hooks';
import { bytes, number, t } from '../../lib/i18n';
import { album } from '../../lib/album';
import { isAudio, isShown, isVideo } from '../../lib/image';
import { clockOf } from '../../lib/wave';
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
const stickerEdge = 176;

const isImage = (a: Attachment) => isShown(a.mime) && (a.width ?? 0) > 0 && (a.height ?? 0) > 0;
const isTile = (a: Attachment) => isImage(a) || (isVideo(a.mime) && (a.width ?? 0) > 0 && (a.height ?? 0) > 0);

export function Attachments({ m }: { m: Message }) {
  const files = m.files ?? [];
  if (files.length === 1 && files[0]!.sticker !== undefined && isImage(files[0]!)) return <Photo m={m} file={files[0]!} index={0} alone edge={stickerEdge} />;
  const tiles = files.flatMap((f, i) => (isTile(f) ? [i] : []));
  let n = 0;
  return (
    <>
      {tiles.length === 1 ? (
        <div class="photos one">
          <Photo m={m} file={files[tiles[0]!]!} index={tiles[0]!} alone />
        </div>
      ) : tiles.length > 1 ? (
        <div class="photos">
          {album(tiles.map((i) => ({ width: files[i]!.width!, height: files[i]!.height! }))).map((row, k) => (
            <div key={k} class="photo-row" style={{ aspectRatio: `${row.reduce((a, b) => a + b, 0)}` }}>
              {row.map((share) => {
                const i = tiles[n++]!;
                return <Photo key={i} m={m} file={files[i]!} index={i} share={share} />;
              })}
            </div>
          ))}
        </div>
      ) : null}
      {files.map((f, i) => {
        if (isTile(f)) return null;
        const line = <FileLine key={i} m={m} file={f} index={i} />;
        if (isAudio(f.mime)) return <Later key={i} show={(x) => <x.VoiceLine m={m} file={f} index={i} line={line} />} />;
        return /^text\/(x-)?vcard$/.test(f.mime) ? <Later key={i} show={(x) => <x.ContactCard file={f} line={line} />} /> : line;
      })}
    </>
  );
}

export const fetchFile = (m: Message, file: number) => void act('fetch', { chat: m.chat, message: m.id, file });
const stopFile = (m: Message, file: number) => void act('stop', { chat: m.chat, message: m.id, file });

interface Props {
  m: Message;
  file: Attachment;
  index: number;
}

interface PhotoProps extends Props {
  alone?: boolean;
  /** Its share of width to height in a row of an album. */
  share?: number;
  /** The room of a single one, in px. */
  edge?: number;
}

function Photo({ m, file, index, alone, share, edge }: PhotoProps) {
  const video = !isShown(file.mime);
  const url = imageURL(file).value;
  const here = video ? file.ref !== undefined : url !== null;
  const moving = file.state === 'loading' || file.state === 'uploading';
  useEffect(() => {
    if (file.state === 'remote' && file.size <= autoBytesMax) fetchFile(m, index);
  }, [file.state]);
  const w = file.width ?? 1;
  const h = file.height ?? 1;
  const shown = edge ? Math.min(edge, (edge * w) / h) : Math.max(photoWidthMin, Math.min(video ? photoWidthMax : w, photoWidthMax, (photoHeightMax * w) / h));
  const press = () => {
    if ((here || file.ref) && !edge) lightbox.value = { message: m, index };
    else if (moving) stopFile(m, index);
    else if (!here) fetchFile(m, index);
  };
  const label = here ? t(video ? 'video.open' : 'photo.open') : moving ? t('file.stop') : t(video ? 'video.load' : 'photo.load', { size: bytes(file.size) });
  return (
    <button type="button" class={`photo${edge ? ' sticker' : ''}`} aria-label={edge ? t('sticker', { emoji: file.sticker ?? '' }) : label} onClick={press} style={alone ? { aspectRatio: `${w} / ${Math.max(h, 1)}`, inlineSize: `${shown}px` } : { flexGrow: `${share}` }}>
      {file.preview && !edge ? <img class="blurred" src={smallURL(file.preview)} alt="" /> : null}
      {url ? <img class="sharp" src={url} width={w} height={h} alt="" decoding="async" /> : null}
      {video && here ? <Later show={(x) => <x.Frame file={file} />} /> : null}
      {moving ? <Ring file={file} /> : !here && file.state !== 'local' ? (
        <span class="disc">
          <Icon name={file.state === 'failed' ? 'retry' : 'download'} />
        </span>
      ) : null}
      {video ? <span class="badge">{here || moving ? clockOf(file.duration ?? 0, number) : bytes(file.size)}</span> : null}
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
export function Ring({ file }: { file: Attachment }) {
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
