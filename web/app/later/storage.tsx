// What is kept on this device, and taking copies of files off it. They can be fetched again while the server has them.
import { useEffect, useState } from 'preact/hooks';
import { bytes, t } from '../../lib/i18n';
import { act, ask, chatName, fail } from '../act';
import type { Storage } from '../api';
import { chatOf, toast } from '../state';
import { ChatAvatar } from '../view/avatar';
import { Confirm } from '../view/dialog';
import { Choice } from './parts';

const day = 86_400_000;
const ages = [0, 7, 30, 180] as const;

export function StoragePage() {
  const [all, set] = useState<Storage | null>(null);
  const [age, setAge] = useState<number>(0);
  const [asking, setAsking] = useState<string | null>(null); // which chat; empty: all
  const load = () => void ask('getStorage', {}).then(set, fail);
  useEffect(load, []);
  const clear = async (chat: string) => {
    let freed = 0;
    for (;;) {
      const r = await act('clearFiles', { ...(chat ? { chat } : {}), ...(age > 0 ? { before: Date.now() - age * day } : {}) });
      if (!r) break;
      freed += r.bytes;
      if (!r.more) break;
    }
    toast.value = { text: t('storage.freed', { size: bytes(freed) }) };
    load();
  };
  if (!all) return null;
  const chats = (all.chats ?? []).filter((c) => c.bytes > 0 && chatOf(c.chat));
  return (
    <>
      <p>{t('storage.total', { files: bytes(all.total), texts: bytes(all.texts) })}</p>
      <p class="dim note">{t('storage.hint')}</p>
      <Choice<number> label={t('storage.age')} value={age} options={ages.map((d) => [d, d === 0 ? t('storage.any') : t('vanish.days', { n: d })] as const)} onChange={setAge} />
      <div class="people">
        {chats.map((c) => {
          const chat = chatOf(c.chat)!;
          return (
            <div key={c.chat} class="person">
              <ChatAvatar chat={chat} small />
              <span class="grow">
                <bdi>{chatName(chat)}</bdi>
                <span class="dim block">{t('storage.files', { n: c.files, size: bytes(c.bytes) })}</span>
              </span>
              <button type="button" class="small" aria-label={t('storage.clear.of', { chat: chatName(chat) })} onClick={() => setAsking(c.chat)}>
                {t('storage.clear')}
              </button>
            </div>
          );
        })}
      </div>
      {chats.length > 0 ? (
        <div class="buttons">
          <button type="button" class="danger" onClick={() => setAsking('')}>
            {t('storage.clear.all')}
          </button>
        </div>
      ) : null}
      {asking !== null ? <Confirm title={t('storage.clear')} text={t('storage.clear.text')} yes={t('storage.clear')} danger onClose={() => setAsking(null)} onYes={() => void clear(asking)} /> : null}
    </>
  );
}
