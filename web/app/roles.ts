// What one may do to a member, and in what a group's rules show. The core has the last word; this only keeps what it
// would refuse off the screen.
import type { Chat, Member, Role, Rules } from './api';

export const noRules: Rules = { history: 0 };

export const rulesOf = (c: Chat): Rules => c.rules ?? noRules;

/** One's own role. Groups made before there were owners name admins only. */
export const roleOf = (c: Chat): Role => c.role ?? (c.admin ? 'admin' : 'member');

export const inside = (c: Chat): boolean => c.state === 'open';

export const mayAdd = (c: Chat): boolean => inside(c) && (c.admin || rulesOf(c).adders === 'members');
export const mayChange = (c: Chat): boolean => inside(c) && (c.kind !== 'group' || c.admin || rulesOf(c).changers === 'members');

export type Act = 'owner' | 'admin' | 'member' | 'remove' | 'ban' | 'erase';

/** What somebody in the role of own may do to m. */
export function acts(own: Role, m: Pick<Member, 'own' | 'role' | 'admin'>): Act[] {
  const role = m.role ?? (m.admin ? 'admin' : 'member');
  if (m.own) return own === 'owner' ? ['admin'] : own === 'admin' ? ['member'] : [];
  if (own === 'member') return [];
  const out: Act[] = [];
  if (role === 'member') out.push('admin');
  if (own === 'owner') {
    if (role !== 'owner') out.push('owner');
    if (role === 'owner') out.push('admin');
    if (role === 'admin') out.push('member');
  }
  if (own === 'owner' || role === 'member') out.push('remove', 'ban', 'erase');
  return out;
}

/** Whether a chat makes no sound at this moment. */
export const muted = (c: Chat): boolean => c.muted === -1 || (c.muted ?? 0) > Date.now();
