/** A name for this device, of what the browser tells anyway. */
export function deviceName(agent: string): string {
  const system = /iPhone|iPad|Android|Windows|Mac OS|CrOS|Linux/.exec(agent)?.[0] ?? '';
  const browser = /Edg|Firefox|OPR|Chrome|Safari/.exec(agent)?.[0] ?? '';
  const of = { 'Mac OS': 'Mac', CrOS: 'Chromebook', Edg: 'Edge', OPR: 'Opera' } as Record<string, string>;
  return [of[browser] ?? browser, of[system] ?? system].filter(Boolean).join(', ');
}
