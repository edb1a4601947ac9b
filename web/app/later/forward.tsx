// Handing messages on: to which chats, and whether the author is named.
import { effect } from '@preact/signals';
import { useState } from 'preact/hooks';
import { CoreError } from '../../lib/core';
import { t } from '../../lib/i18n';
import { act, ask, fail, open } from '../act';
import { chats, toast } from '../state';
import { thread } from '../thread';
import { Dialog } from '../view/dialog';
import { Choose } from './newgroup';
import { closePanel, Switch } from './parts';

// How long (ms) files that are not here yet are waited for.
const patience = 60_000;

export function ForwardPanel({ chat, messages }: { chat: string; messages: readonly string[] }) {
  const [to, setTo] = useState<readonly string[]>([]);
  const [hide, setHide] = useState(false);
  const [busy, setBusy] = useState(false);
  const may = chats.value.filter((c) => c.state === 'open' && (!c.rules?.quiet || c.admin));
  const submit = async (e: Event) => {
    e.preventDefault();
    if (to.length === 0) return;
    setBusy(true);
    const args = { chat, messages: [...messages], to: [...to], ...(hide ? { hide } : {}) };
    try {
      try {
        await ask('forward', args);
      } catch (why) {
        if (!(why instanceof CoreError && why.code === 'file-away')) throw why;
        toast.value = { text: t('forward.fetching') };
        if (!(await fetched(chat, messages))) throw why;
        await ask('forward', args);
      }
      closePanel();
      toast.value = { text: t('forward.done') };
      if (to.length === 1 && to[0] !== chat) void open(to[0]!);
    } catch (why) {
      fail(why);
      setBusy(false);
    }
  };
  return (
    <Dialog title={t('forward')} onClose={closePanel}>
      <form onSubmit={submit}>
        <Choose chats={may} chosen={to} onChange={setTo} legend={t('forward.to')} />
        <Switch label={t('forward.hide')} hint={t('forward.hide.hint')} on={hide} onChange={setHide} />
        <div class="buttons">
          <button type="button" onClick={closePanel}>
            {t('cancel')}
          </button>
          <button class="primary" disabled={busy || to.length === 0}>
            {t('forward')}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** Fetches the files of messages and waits until all are here. */
function fetched(chat: string, ids: readonly string[]): Promise<boolean> {
  const held = () => thread(chat).messages.value.filter((m) => ids.includes(m.id));
  for (const m of held()) m.files?.forEach((f, file) => f.ref || void act('fetch', { chat, message: m.id, file }));
  return new Promise((done) => {
    let stop = () => {};
    const timer = setTimeout(() => end(false), patience);
    const end = (all: boolean) => {
      clearTimeout(timer);
      queueMicrotask(() => stop());
      done(all);
    };
    stop = effect(() => {
      const files = held().flatMap((m) => m.files ?? []);
      if (files.every((f) => f.ref)) end(true);
      else if (files.some((f) => f.state === 'failed')) end(false);
    });
  });
}
