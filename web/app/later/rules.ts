// A group's rules in words.
import { t } from '../../lib/i18n';
import type { Chat } from '../api';
import { rulesOf } from '../roles';

/** A span of seconds in the largest unit that counts it whole. */
export function span(seconds: number): string {
  if (seconds % 86_400 === 0) return t('span.days', { n: seconds / 86_400 });
  if (seconds % 3600 === 0) return t('span.hours', { n: seconds / 3600 });
  if (seconds % 60 === 0) return t('span.minutes', { n: seconds / 60 });
  return t('span.seconds', { n: seconds });
}

/** What a member should know of them. */
export function rulesInWords(c: Chat): string[] {
  const r = rulesOf(c);
  const out: string[] = [];
  if (r.quiet) out.push(t('rules.quiet.on'));
  if (r.slow) out.push(t('rules.slow.on', { span: span(r.slow) }));
  if (r.quarantine) out.push(t('rules.quarantine.on', { span: span(r.quarantine * 3600) }));
  return out;
}
