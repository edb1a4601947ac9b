// Places and contacts as cards. Nothing leaves for a map or an address before it is pressed.
import { useEffect, useState } from 'preact/hooks';
import { t } from '../../lib/i18n';
import type { Place } from '../../lib/place';
import { type Card, cardBytesMax, cardIn } from '../../lib/vcard';
import { copy, getFile } from '../act';
import type { Attachment } from '../api';
import { saveFile } from '../files';
import { Icon } from '../view/icons';

/** The map is another's: it learns who looks, which the words say. */
const map = (p: Place) => `https://www.openstreetmap.org/?mlat=${p.lat}&mlon=${p.lon}#map=16/${p.lat}/${p.lon}`;

export function PlaceCard({ place }: { place: Place }) {
  const words = `${place.lat.toFixed(5)}, ${place.lon.toFixed(5)}`;
  return (
    <div class="card-line">
      <span class="disc" aria-hidden="true">
        <Icon name="place" />
      </span>
      <span class="file-lines">
        <span class="file-name">{t('place')}</span>
        <bdi class="dim" dir="ltr">
          {words}
        </bdi>
        <span class="card-acts">
          <a href={map(place)} target="_blank" rel="noopener noreferrer" title={t('place.hint')}>
            {t('place.map')}
          </a>
          <button type="button" class="link" onClick={() => void copy(words, 'copy.done')}>
            {t('copy')}
          </button>
        </span>
      </span>
    </div>
  );
}

/** A vCard that is here; it stays a file's line while it is not, or says nothing. */
export function ContactCard({ file, line }: { file: Attachment; line: preact.JSX.Element }) {
  const [card, set] = useState<Card | null>(null);
  useEffect(() => {
    if (!file.ref || file.size > cardBytesMax) return;
    let late = false;
    getFile(file.ref)
      .then((b) => b.text())
      .then((s) => late || set(cardIn(s)), () => {});
    return () => void (late = true);
  }, [file.ref]);
  if (!card) return line;
  return (
    <div class="card-line">
      <span class="disc" aria-hidden="true">
        <Icon name="person" />
      </span>
      <span class="file-lines">
        <bdi class="file-name">{card.name || file.name}</bdi>
        {card.lines.map((l, i) => (
          <span key={i} class="dim">
            {l.kind === 'tel' || l.kind === 'email' ? (
              <a href={`${l.kind === 'tel' ? 'tel' : 'mailto'}:${encodeURIComponent(l.text)}`} dir="ltr">
                {l.text}
              </a>
            ) : (
              <bdi>{l.text}</bdi>
            )}
          </span>
        ))}
        <span class="card-acts">
          <button type="button" class="link" onClick={() => void saveFile(file)}>
            {t('save')}
          </button>
        </span>
      </span>
    </div>
  );
}
