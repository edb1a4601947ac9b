// One's devices: what they are, linking a new one, signing one out.
import { useEffect, useRef, useState } from 'preact/hooks';
import { date, daysAgo, t, tAny } from '../../lib/i18n';
import { dirFor } from '../../lib/lang';
import { act, ask, words } from '../act';
import { type Device, devicesMax } from '../api';
import { devicesStamp, linking, type SettingsPage } from '../state';
import { Confirm } from '../view/dialog';
import { Icon } from '../view/icons';
import { LinkText } from './invite';
import { Compare, Problem, Progress, QR, useAsked } from './parts';

export function DevicesPage({ go }: { go(page: SettingsPage): void }) {
  const got = useAsked(() => act('getDevices', {}), [devicesStamp.value]);
  const [open, setOpen] = useState<string | null>(null);
  const [leaving, setLeaving] = useState<Device | null>(null);
  const all = [...(got?.devices ?? [])].sort((a, b) => Number(b.this) - Number(a.this) || b.active.localeCompare(a.active));
  return (
    <>
      <p class="dim">{t('devices.hint')}</p>
      <div class="buttons start">
        <button type="button" class="primary" disabled={all.length >= devicesMax} onClick={() => go('link')}>
          <Icon name="link" />
          {t('device.link')}
        </button>
      </div>
      <ul class="people devices">
        {all.map((d) => (
          <li key={d.id}>
            <button type="button" class="person" aria-expanded={open === d.id} onClick={() => setOpen(open === d.id ? null : d.id)}>
              <span class="avatar small saved">
                <Icon name="device" />
              </span>
              <span class="grow">
                <bdi>{d.name || t('device')}</bdi>
                <span class="dim block">{d.this ? t('device.this') : active(d)}</span>
              </span>
              <Icon name="down" />
            </button>
            {open === d.id ? <OneDevice device={d} onDone={() => setOpen(null)} onLeave={() => setLeaving(d)} /> : null}
          </li>
        ))}
      </ul>
      {leaving ? (
        <Confirm
          title={t('device.out')}
          text={leaving.this ? t('device.out.this') : t('device.out.text', { name: leaving.name || t('device') })}
          yes={t('device.out')}
          danger
          onClose={() => setLeaving(null)}
          onYes={() => void act('removeDevice', { device: leaving.id })}
        />
      ) : null}
    </>
  );
}

function active(d: Device): string {
  const ago = daysAgo(Date.parse(`${d.active}T12:00:00`));
  return ago <= 0 ? t('device.active.today') : t('device.active', { date: date(d.active) });
}

function OneDevice(p: { device: Device; onDone(): void; onLeave(): void }) {
  const [name, setName] = useState(p.device.name);
  const [problem, setProblem] = useState('');
  const submit = async (e: Event) => {
    e.preventDefault();
    try {
      await ask('nameDevice', { device: p.device.id, name: name.trim() });
      p.onDone();
    } catch (err) {
      setProblem(words(err));
    }
  };
  return (
    <form class="one" onSubmit={submit} noValidate>
      <label for="device-name">{t('device.name')}</label>
      <div class="line">
        <input id="device-name" class="grow" value={name} dir={dirFor(name)} autocomplete="off" onInput={(e) => setName(e.currentTarget.value)} aria-describedby="device-problem" />
        <button disabled={name.trim() === p.device.name}>{t('save.changes')}</button>
      </div>
      <Problem id="device-problem" text={problem} />
      <div class="line">
        <span class="grow dim">{t('device.added', { date: date(p.device.added) })}</span>
        <button type="button" class="danger" onClick={p.onLeave}>
          {t('device.out')}
        </button>
      </div>
    </form>
  );
}

/** The side that has the account: shows a code, compares digits, hands everything over. */
export function LinkPage({ onDone }: { onDone(): void }) {
  const [link, setLink] = useState<string | null>(null);
  const [problem, setProblem] = useState('');
  const [answered, setAnswered] = useState(false);
  const stage = useRef('');
  const now = linking.value;
  stage.current = now?.stage ?? '';
  const begin = async () => {
    linking.value = null;
    setAnswered(false);
    setProblem('');
    setLink(null);
    try {
      setLink((await ask('linkDevice', {})).link);
    } catch (e) {
      setProblem(words(e));
    }
  };
  useEffect(() => {
    void begin();
    return () => {
      // Who goes away before the end does not want it. The core says so if there was nothing to end.
      if (stage.current === '' || stage.current === 'waiting' || stage.current === 'digits') ask('confirmDevice', { yes: false }).catch(() => undefined);
    };
  }, []);
  const answer = async (yes: boolean) => {
    setAnswered(true);
    if (!(await act('confirmDevice', { yes }))) setAnswered(false);
  };
  if (problem || now?.stage === 'failed') {
    return (
      <>
        <Problem text={problem || tAny(`error.${now?.err ?? 'internal'}`, 'error.internal')} />
        <div class="buttons">
          <button type="button" class="primary" onClick={() => void begin()}>
            {t('retry')}
          </button>
        </div>
      </>
    );
  }
  if (now?.stage === 'digits' || now?.stage === 'confirmed') {
    const question = now.name ? t('device.digits.name', { name: now.name }) : t('device.digits');
    return <Compare question={question} digits={now.digits ?? ''} answered={answered || now.stage === 'confirmed'} onAnswer={(yes) => void answer(yes)} />;
  }
  if (now?.stage === 'sending') {
    return (
      <div role="status">
        <p>{t('device.sending')}</p>
        <Progress label={t('device.sending')} percent={now.percent} />
        <p class="dim">{t('device.sending.hint')}</p>
      </div>
    );
  }
  if (now?.stage === 'done') {
    return (
      <div role="status">
        <p>{t('device.done', { name: now.name || t('device') })}</p>
        <div class="buttons">
          <button type="button" class="primary" onClick={onDone}>
            {t('finish')}
          </button>
        </div>
      </div>
    );
  }
  return (
    <>
      <ol class="steps">
        <li>{t('device.step.open')}</li>
        <li>{t('device.step.scan')}</li>
        <li>{t('device.step.compare')}</li>
      </ol>
      <QR text={link} label={t('device.qr')} />
      <LinkText link={link ?? ''} label={t('device.link.text')} />
      <p class="dim center">{t('device.link.secret')}</p>
    </>
  );
}
