// Views that are loaded after the start: windows that are opened now and then, and the ways in besides an invite.
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { t } from '../../lib/i18n';
import { panel, toast } from '../state';

type Part = typeof import('../later/later');
const part = signal<Part | null>(null);
/** The later views, once they are here. */
export const later = () => part.value;
let asked: Promise<void> | null = null;

/** Loads them, once. They are small; a page that is up asks for them before anybody needs them. */
export function prepareLater(): Promise<void> {
  asked ??= import('../later/later').then(
    (m) => m.styled.then(() => void (part.value = m)),
    () => void (asked = null), // no network: asked for again when needed
  );
  return asked;
}

/** What f makes of the later views, and nothing while they are on their way. */
export function Later(p: { show(part: Part): JSX.Element | null }) {
  if (part.value) return p.show(part.value);
  void prepareLater().then(() => {
    if (part.value || panel.value === null) return;
    panel.value = null;
    toast.value = { text: t('error.offline') };
  });
  return null;
}
