// Links that the page was opened with: an invite, or the linking of a device.
import { signal } from '@preact/signals';

/** A link is an address whose path is /i (an invite) or /d (a device) and whose secret follows the #. */
export function parseLink(text: string): string | null {
  const s = text.trim();
  return /^https?:\/\/[^\s#]+\/[id]#\S+$/.test(s) ? s : null;
}

/** Whether a link, as far as its form tells, makes this a device of an account that there is. */
export const forDevice = (given: string) => /^[^#]+\/d#/.test(given);

/** A person's link is longer than a server's own by the fingerprint of the account. The core has the last word. */
export const looksPersonal = (given: string) => given.length - given.indexOf('#') > 128;

/** A group's link ends with the byte that says so. The core has the last word here, too. */
export const looksGroup = (given: string) => !looksPersonal(given) && given.endsWith('AQ');

/** Whether a server's origin is not the page's. */
export const elsewhere = (origin: string) => origin.replace(/\/$/, '') !== location.origin;

/** The link to open, from the address bar or pasted. */
export const link = signal<string | null>(parseLink(location.href));
addEventListener('hashchange', () => {
  const found = parseLink(location.href);
  if (found) link.value = found;
});

/** The link is done with: it leaves the address bar, so that nobody reads it there. */
export function clearLink(): void {
  link.value = null;
  if (location.pathname !== '/' || location.hash) history.replaceState(history.state, '', '/');
}
