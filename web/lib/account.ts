// Which of this browser's accounts a tab is in. Each has a core of its own: a folder for its vault, a lock, a channel, all
// under one name.
import { save, saved } from './saved';

/** The name of the first account's core. */
export const first = 'paperplane';

const tab = (): Storage | null => {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
};

/** The id of the account that this tab is in; the first has none. */
export function currentAccount(): string {
  const id = tab()?.getItem('pp.account') ?? saved('account') ?? '';
  tab()?.setItem('pp.account', id);
  return id;
}

/** What an account's folder, lock and channel are called. */
export const coreName = (id: string) => (id ? `${first}-${id}` : first);

/** Goes over to an account, in this tab and in those opened from now on. */
export function enter(id: string): void {
  tab()?.setItem('pp.account', id);
  save('account', id);
  location.replace('/');
}
