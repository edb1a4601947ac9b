// The page's single Trusted Types policy: it lets our own worker and service worker start, and nothing else.
interface Policy {
  createScriptURL(url: string): string;
}
interface Factory {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): Policy;
}

function check(url: string): string {
  const u = new URL(url, location.href);
  if (u.origin !== location.origin || !/^\/(assets\/[\w.-]+\.js|sw\.js)$/.test(u.pathname)) throw new TypeError('not a script of ours');
  return u.href;
}

const factory = (globalThis as { trustedTypes?: Factory }).trustedTypes;
const policy = factory?.createPolicy('paperplane', { createScriptURL: check });

/** Returns url as something the browser agrees to run, or throws when it is not a script of ours. */
export function scriptURL(url: string): string {
  return policy ? policy.createScriptURL(url) : check(url);
}
