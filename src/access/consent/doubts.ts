/** What whoever writes a Consent is warned of: parts that are judged more strictly than they are written, or not at all. */
import type { Issue } from '../../fhir/outcome.js';
import type { Coding, Element, Resource } from '../../fhir/types.js';
import { limits } from '../../kit/limits.js';
import { localReference } from './actors.js';
import { list, policyOf, typeIn, vaguePartsOf, type Reading } from './consent.js';

type Judged = Pick<Reading, 'base' | 'isType'>;

export function doubtsOf(consent: Resource, judged: Judged): Issue[] {
  if (consent.resourceType !== 'Consent' || consent.status !== 'active') return [];
  const patient = localReference(consent.patient, judged.base);
  if (patient?.type !== 'Patient')
    return [warning('It is about no patient of this server, so it changes nothing here.', 'Consent.patient')];
  const root = consent.provision as Element | undefined;
  const issues: Issue[] = [];
  if (root?.type === undefined && policyOf(consent) === undefined) {
    const say = 'It has no type, and the policyRule is neither OPTIN nor OPTOUT: only its exceptions say something.';
    issues.push(warning(say, 'Consent.provision'));
  }
  return [...issues, ...(root === undefined ? [] : ofProvision(root, 'Consent.provision', judged))].slice(
    0,
    limits.issues,
  );
}

function ofProvision(provision: Element, at: string, judged: Judged): Issue[] {
  const doubtful = [...vaguePartsOf(provision), ...unknownIn(provision, judged)];
  const say =
    provision.type === 'permit' ? 'this provision permits nothing' : 'this provision refuses as if it were not there';
  const own = doubtful.map((part) =>
    warning(`No access here depends on this ${NAMES[part.split('[')[0] ?? ''] ?? part}: ${say}.`, `${at}.${part}`),
  );
  const below = (list(provision.provision) as Element[] | undefined) ?? [];
  return [...own, ...below.flatMap((one, n) => ofProvision(one, `${at}.provision[${n}]`, judged))];
}

/** TABLE: element -> what is said of it where its name alone would not tell. */
const NAMES: Record<string, string> = {
  actor: 'actor, who is nobody known here',
  class: 'class, which is no resource type',
  purpose: 'purpose, which has no code',
  securityLabel: 'securityLabel, which has no code',
};

/** TABLE: element -> the places of those in its list that mean nothing here. */
function unknownIn(provision: Element, judged: Judged): string[] {
  const places = (name: string, rest: string, isKnown: (one: Element & Coding) => boolean) =>
    ((list(provision[name]) as (Element & Coding)[] | undefined) ?? []).flatMap((one, n) =>
      isKnown(one) ? [] : [`${name}[${n}]${rest}`],
    );
  return [
    ...places('actor', '.reference', ({ reference }) => KNOWN.has(localReference(reference, judged.base)?.type ?? '')),
    ...places('class', '', (coding) => typeIn(coding, judged) !== undefined),
    ...places('securityLabel', '', ({ code }) => code !== undefined),
    ...places('purpose', '', ({ code }) => code !== undefined),
  ];
}

const KNOWN: ReadonlySet<string> = new Set([
  'Organization',
  'Practitioner',
  'PractitionerRole',
  'CareTeam',
  'Patient',
  'RelatedPerson',
]);

const warning = (diagnostics: string, at: string): Issue => ({
  severity: 'warning',
  code: 'business-rule',
  diagnostics,
  expression: [at],
});
