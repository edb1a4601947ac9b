// The text of a message with its marks as elements. Text of people never becomes markup.
import { useMemo, useState } from 'preact/hooks';
import { format, type Inline } from '../../lib/format';
import { t } from '../../lib/i18n';
import { copy } from '../act';
import type { Mention } from '../api';
import { account } from '../state';
import { Icon } from './icons';

export function Text({ text, mentions }: { text: string; mentions?: readonly Mention[] | undefined }) {
  const blocks = useMemo(() => format(text, mentions), [text, mentions]);
  return <>{blocks.map((b) => {
    switch (b.kind) {
      case 'lines':
        return b.lines.map((l, k) => [k > 0 ? '\n' : '', spans(l)]);
      case 'quote':
        return <blockquote dir="auto">{b.lines.map((l, k) => [k > 0 ? '\n' : '', spans(l)])}</blockquote>;
      case 'list':
        return (
          <ul class="marks" dir="auto">
            {b.items.map((x) => (
              <li>
                <span>{x.mark === '- ' ? '•' : x.mark.trim()}</span>
                <span>{spans(x.of)}</span>
              </li>
            ))}
          </ul>
        );
      case 'fence':
        return (
          <div class="fence" dir="ltr">
            <div>
              <span>{b.lang}</span>
              <button type="button" class="quiet" aria-label={t('code.copy')} title={t('code.copy')} onClick={() => void copy(b.text, 'copy.done')}>
                <Icon name="copy" />
              </button>
            </div>
            <pre tabIndex={0}>
              <code>{b.text}</code>
            </pre>
          </div>
        );
    }
  })}</>;
}

function spans(of: readonly Inline[]) {
  return of.map((n) => {
    switch (n.kind) {
      case 'text':
        return n.text;
      case 'link':
        return (
          <a href={n.href} target="_blank" rel="noopener noreferrer">
            {n.text}
          </a>
        );
      case 'mention':
        return <bdi class={n.person === account.value?.person ? 'mention self' : 'mention'}>{n.text}</bdi>;
      case 'code':
        return <code dir="ltr">{n.text}</code>;
      case 'bold':
        return <b>{spans(n.of)}</b>;
      case 'italic':
        return <i>{spans(n.of)}</i>;
      case 'struck':
        return <s>{spans(n.of)}</s>;
      case 'spoiler':
        return <Spoiler of={n.of} />;
    }
  });
}

/** Hidden from eyes and voices until it is asked for. */
function Spoiler({ of }: { of: readonly Inline[] }) {
  const [shown, show] = useState(false);
  if (shown) return <span class="spoiler shown">{spans(of)}</span>;
  const press = (e: Event) => {
    e.preventDefault();
    e.stopPropagation();
    show(true);
  };
  return (
    <span class="spoiler" role="button" tabIndex={0} aria-label={t('spoiler')} onClick={press} onKeyDown={(e) => (e.key === 'Enter' || e.key === ' ') && press(e)}>
      <span aria-hidden="true" inert>
        {spans(of)}
      </span>
    </span>
  );
}
