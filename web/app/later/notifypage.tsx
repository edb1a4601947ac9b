// The settings of notifications, and the way to install the app.
import { t } from '../../lib/i18n';
import { installer } from '../state';
import { Choice, Entry, Note, Switch } from './parts';
import { lineShown, permission, ring, setTelling, shows, sound } from './notify';

export function NotifyPage() {
  const may = permission.value;
  return (
    <>
      <Switch label={t('tell.on')} hint={t('tell.on.hint')} on={shows.value !== '' && may === 'granted'} onChange={(on) => void setTelling(on)} />
      {may === 'denied' || may === 'none' ? (
        <p class="dim note" role="status">
          {t(may === 'none' ? 'tell.none' : 'tell.denied')}
        </p>
      ) : null}
      {shows.value !== '' && may === 'granted' ? (
        <Choice label={t('tell.shows')} hint={t('tell.shows.hint')} value={shows.value} options={[['plain', t('tell.plain')], ['name', t('tell.name')], ['text', t('tell.text')]]} onChange={(x) => (shows.value = x)} />
      ) : null}
      <Switch label={t('tell.in')} hint={t('tell.in.hint')} on={lineShown.value} onChange={(on) => (lineShown.value = on)} />
      <Switch
        label={t('tell.sound')}
        hint={t('tell.sound.hint')}
        on={sound.value}
        onChange={(on) => {
          sound.value = on;
          if (on) ring();
        }}
      />
      <Note>{t('tell.push')}</Note>
    </>
  );
}

/** Offered where the browser does. It may be asked once. */
export function InstallEntry() {
  const e = installer.value;
  if (!e) return null;
  const install = () => {
    installer.value = null;
    void (e as unknown as Event & { prompt(): Promise<unknown> }).prompt();
  };
  return <Entry icon="download" label={t('install.app')} onClick={install} />;
}
