// A photo over the whole page, with its neighbours of the same message.
import { useEffect, useRef } from 'preact/hooks';
import { number, t } from '../../lib/i18n';
import { isShown } from '../../lib/photo';
import { imageURL, saveFile } from '../files';
import { lightbox } from '../state';
import { Icon } from '../view/icons';

export function Lightbox() {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    ref.current!.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const open = lightbox.value!;
  const files = open.message.files ?? [];
  const images = files.flatMap((f, i) => (isShown(f.mime) && f.ref ? [i] : []));
  const at = images.indexOf(open.index);
  const file = files[open.index];
  const url = file ? imageURL(file).value : null;
  const close = () => (lightbox.value = null);
  const go = (step: number) => {
    const next = images[at + step];
    if (next !== undefined) lightbox.value = { message: open.message, index: next };
  };
  const key = (e: KeyboardEvent) => {
    const ahead = document.documentElement.dir === 'rtl' ? -1 : 1;
    if (e.key === 'ArrowRight') go(ahead);
    else if (e.key === 'ArrowLeft') go(-ahead);
  };
  return (
    <dialog
      ref={ref}
      class="lightbox"
      aria-label={t('photo')}
      onKeyDown={key}
      onCancel={(e) => {
        e.preventDefault();
        close();
      }}
      onClick={(e) => {
        if (!(e.target as HTMLElement).closest('button, img')) close();
      }}
    >
      <div class="lightbox-bar">
        <span class="grow">{images.length > 1 ? t('photo.of', { i: number(at + 1), n: number(images.length) }) : ''}</span>
        <button type="button" class="quiet" aria-label={t('save')} onClick={() => file && void saveFile(file)}>
          <Icon name="download" />
        </button>
        <button type="button" class="quiet" aria-label={t('close')} onClick={close}>
          <Icon name="close" />
        </button>
      </div>
      {at > 0 ? (
        <button type="button" class="quiet side before" aria-label={t('photo.before')} onClick={() => go(-1)}>
          <Icon name="back" />
        </button>
      ) : null}
      {url ? <img src={url} alt={t('photo.from', { who: open.message.fromName })} /> : null}
      {at >= 0 && at < images.length - 1 ? (
        <button type="button" class="quiet side after" aria-label={t('photo.after')} onClick={() => go(1)}>
          <Icon name="back" />
        </button>
      ) : null}
    </dialog>
  );
}
