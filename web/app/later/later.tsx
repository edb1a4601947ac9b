// What app/view/later.tsx loads: all windows but the smallest, with their texts.
import { addTexts } from '../../lib/i18n';
import en from '../../text/later/en.json';
import fa from '../../text/later/fa.json';
import ru from '../../text/later/ru.json';
import type { Panel } from '../state';
import { addIcons } from '../view/icons';
import { ChatPanel } from './chatpanel';
import { more } from './icons';
import { EditorPanel } from './editor';
import { ForwardPanel } from './forward';
import { PollPanel } from './poll';
import { PlacePanel } from './attach';
import { InvitePanel } from './invite';
import { startTelling } from './notify';
import { LinkPanel } from './linkpanel';
import { NewGroupPanel } from './newgroup';
import { SearchPanel } from './search';
import { EditsPanel, SchedulePanel, ThreadPanel } from './talk';
import { KeysPanel, SettingsPanel } from './settings';

declare const LATER_CSS: string;

addTexts({ en, ru, fa });
addIcons(more);
startTelling();

/** Resolves when the style of these views is there too. Without it they are plain, but work. */
export const styled = new Promise<void>((done) => {
  const sheet = document.createElement('link');
  sheet.rel = 'stylesheet';
  sheet.href = LATER_CSS;
  sheet.onload = sheet.onerror = () => done();
  document.head.append(sheet);
});

export { AttachMenu } from './attach';
export { ChatMenu, swipe } from './chatmenu';
export { ContactCard, PlaceCard } from './cards';
export { EmojiPicker } from './emoji';
export { FormatBar, formatKey } from './formatbar';
export { Pick } from './mention';
export { MessageMenu } from './messagemenu';
export { PollCard } from './poll';
export { Recorder } from './record';
export { Returning } from './returning';
export { FoundMessages } from './search';
export { SelectBar } from './select';
export { SendMenu } from './talk';
export { Frame, Viewer } from './viewer';
export { VoiceLine } from './voice';

/** The open window; a link that was opened, when there is none. */
export function Window({ panel: p }: { panel: Panel | null }) {
  switch (p?.kind) {
    case 'invite':
      return <InvitePanel />;
    case 'group':
      return <NewGroupPanel />;
    case 'settings':
      return <SettingsPanel page={p.page} />;
    case 'keys':
      return <KeysPanel />;
    case 'place':
      return <PlacePanel chat={p.chat} />;
    case 'search':
      return <SearchPanel chat={p.chat} query={p.query} />;
    case 'thread':
      return <ThreadPanel chat={p.chat} root={p.root} />;
    case 'edits':
      return <EditsPanel message={p.message} />;
    case 'schedule':
      return <SchedulePanel into={p.into} />;
    case 'poll':
      return <PollPanel chat={p.chat} />;
    case 'send-on':
      return <ForwardPanel chat={p.chat} messages={p.messages} />;
    case 'edit-photo':
      return <EditorPanel item={p.edit} into={p.into} />;
    case 'chat':
      return <ChatPanel id={p.chat} page={p.page} />;
    default:
      return <LinkPanel />;
  }
}
