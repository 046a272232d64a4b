/** What this server could not check of a resource, by name: silence would pass for "valid". */
import type { Definitions } from '../fhir/definitions.js';
import type { Issue } from '../fhir/outcome.js';
import type { Resource } from '../fhir/types.js';
import { isObject } from '../kit/json.js';

/** Of each kind so many are named; the rest is counted. */
const NAMED = 10;

export function uncheckedIssues({ extensions }: Definitions, resource: Resource): Issue[] {
  const unknown = new Set<string>();
  const rules = new Set<string>();
  collect(resource, (name, value) => {
    if (name === 'implicitRules' && typeof value === 'string') rules.add(value);
    if (name !== 'extension' || !Array.isArray(value)) return;
    for (const one of value as unknown[]) {
      // Those with a relative url are parts of the extension that holds them.
      const url = isObject(one) && typeof one.url === 'string' ? one.url : '';
      if (url.includes(':') && !extensions.has(url)) unknown.add(url);
    }
  });
  const profiles = Array.isArray(resource.meta?.profile) ? resource.meta.profile : [];
  return [
    ...named(profiles, 'profile', 'this server does not check against profiles yet'),
    ...named([...rules], 'implicitRules', 'this server does not know these rules'),
    ...named([...unknown], 'extension', 'R4 does not define it'),
  ];
}

/** Of a profile that the client asks for: a server that cannot check against it says so as an error. (R4 $validate) */
export const profileIssue = (profile: string): Issue => ({
  ...notChecked(`the profile ${profile.slice(0, 200)}: this server does not check against profiles yet`),
  severity: 'error',
  code: 'not-supported',
});

function named(list: string[], what: string, why: string): Issue[] {
  const issues = list.slice(0, NAMED).map((one) => notChecked(`the ${what} ${one.slice(0, 200)}: ${why}`));
  const more = list.length - NAMED;
  return more > 0 ? [...issues, notChecked(`${more} more of the kind ${what}: ${why}`)] : issues;
}

const notChecked = (what: string): Issue => ({
  severity: 'information',
  code: 'informational',
  diagnostics: `Not checked: ${what}.`,
});

/** Depth is bounded by the parser of JSON. */
function collect(value: unknown, visit: (name: string, value: unknown) => void): void {
  if (Array.isArray(value)) for (const one of value as unknown[]) collect(one, visit);
  else if (isObject(value)) {
    for (const [name, inner] of Object.entries(value)) {
      visit(name, inner);
      collect(inner, visit);
    }
  }
}
