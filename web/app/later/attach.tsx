// What the clip offers: photos and videos, files, a place, a poll.
import { t } from '../../lib/i18n';
import { geoURI } from '../../lib/place';
import { send } from '../act';
import type { Chat } from '../api';
import { panel, toast } from '../state';
import { Confirm } from '../view/dialog';
import { Menu, type Place } from '../view/menu';

// A device that does not know where it is within this long (ms) is asked no further.
const placeWait = 20_000;

export function AttachMenu({ chat, at, choose, onClose }: { chat: Chat; at: Place; choose(accept: string): void; onClose(): void }) {
  return (
    <Menu
      at={at}
      label={t('attach')}
      onClose={onClose}
      entries={[
        { icon: 'image', label: t('attach.photos'), run: () => choose('image/*,video/*') },
        { icon: 'file', label: t('attach.file'), run: () => choose('') },
        ...('geolocation' in navigator ? [{ icon: 'place' as const, label: t('attach.place'), run: () => (panel.value = { kind: 'place', chat: chat.id }) }] : []),
        ...(chat.kind === 'saved' ? [] : [{ icon: 'poll' as const, label: t('attach.poll'), run: () => (panel.value = { kind: 'poll', chat: chat.id }) }]),
      ]}
    />
  );
}

/** A place is asked for, once: nobody sends theirs by a slip of the finger. */
export function PlacePanel({ chat }: { chat: string }) {
  return <Confirm title={t('place.title')} text={t('place.text')} yes={t('place.send')} onClose={() => (panel.value = null)} onYes={() => sendPlace(chat)} />;
}

/** Where this device is, once it knows. */
function sendPlace(chat: string): void {
  toast.value = { text: t('place.asking') };
  navigator.geolocation.getCurrentPosition(
    (p) => {
      toast.value = null;
      void send(chat, geoURI({ lat: p.coords.latitude, lon: p.coords.longitude }), undefined, [], []);
    },
    (e) => (toast.value = { text: t(e.code === e.PERMISSION_DENIED ? 'place.denied' : 'place.none') }),
    { enableHighAccuracy: true, timeout: placeWait, maximumAge: 60_000 },
  );
}
