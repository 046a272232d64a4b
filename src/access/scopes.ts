/**
 * SMART's scopes: what a client may do at most. Version 1 (`patient/Observation.read`), version 2
 * (`patient/Observation.rs`) and granular ones (`patient/Observation.rs?category=laboratory`) become one shape.
 * What a person may do is said elsewhere (`policy.ts`); a request needs both.
 * (SMART App Launch 2.2 scopes-and-launch-context.html)
 */

export const CONTEXTS = ['patient', 'user', 'system'] as const;
export type Context = (typeof CONTEXTS)[number];

/** create, read, update, delete, search: in the only order in which a scope may name them. */
export const LETTERS = 'cruds';
export type Letter = 'c' | 'r' | 'u' | 'd' | 's';

export interface ResourceScope {
  context: Context;
  /** A resource type, or `*` for all. */
  type: string;
  /** Some of LETTERS, in their order; never none. */
  letters: string;
  /** A granular scope's condition, as it stands behind the `?`; '' for none. */
  query: string;
  /** As it was asked for, because clients of version 1 look for their own words in the answer. */
  version: 1 | 2;
}

export interface Scopes {
  resources: readonly ResourceScope[];
  /** `openid`, `launch/patient`, `offline_access` and the like, each once. */
  others: readonly string[];
  /** What looked like a scope for resources and is none: it grants nothing, and says why. */
  refused: readonly { scope: string; why: string }[];
}

export const noScopes: Scopes = { resources: [], others: [], refused: [] };

/**
 * Reads the `scope` of a request, a grant or a client.
 * @param types the resource types of this server; a scope for another one is refused. Without them any name passes.
 */
export function parseScopes(text: string, types?: ReadonlySet<string>): Scopes {
  const resources: ResourceScope[] = [];
  const others = new Set<string>();
  const refused: { scope: string; why: string }[] = [];
  for (const scope of new Set(text.split(' ').filter((word) => word !== ''))) {
    const read = readScope(scope, types);
    if (read === undefined) others.add(scope);
    else if ('why' in read) refused.push({ scope, why: read.why });
    else resources.push(read);
  }
  return { resources, others: [...others], refused };
}

/** As the `scope` of an answer: each scope once, version 1 where it was asked for and still says what is granted. */
export function printScopes({ resources, others }: Scopes): string {
  return [...new Set([...others, ...resources.map(printScope)])].join(' ');
}

/** What both allow, in the words of the first: what a client asks for, within what it may have. */
export function intersect(asked: Scopes, allowed: Scopes): Scopes {
  return {
    resources: asked.resources.flatMap((one) =>
      // What is allowed whole stays as it was asked for: pairs of many with many would only repeat it.
      allowed.resources.some((other) => within(one, other)) ? [one] : shared(one, allowed.resources),
    ),
    others: asked.others.filter((scope) => allowed.others.includes(scope)),
    refused: asked.refused,
  };
}

/** Beyond so many parts of one scope the others are left out: less is granted than could be, and the client is told. */
const PARTS = 50;

function shared(one: ResourceScope, allowed: readonly ResourceScope[]): ResourceScope[] {
  const parts = allowed.flatMap((other) => both(one, other)).slice(0, PARTS);
  // The same twice, or within another, says nothing more.
  return parts.filter(
    (part, at) => !parts.some((other, i) => i !== at && within(part, other) && !(within(other, part) && i > at)),
  );
}

/** Whether each of the scopes asked for is allowed in full. A scope that some others allow only together is. */
export function covers(allowed: Scopes, asked: Scopes): boolean {
  return (
    asked.refused.length === 0 &&
    asked.others.every((scope) => allowed.others.includes(scope)) &&
    asked.resources.every((one) =>
      lettersOf(one).every((letter) => allowed.resources.some((other) => within({ ...one, letters: letter }, other))),
    )
  );
}

/** The letters of a scope, one by one. */
export const lettersOf = ({ letters }: Pick<ResourceScope, 'letters'>): Letter[] => letters.split('') as Letter[];

/** The scopes that give a letter for a type. */
export const scopesFor = ({ resources }: Scopes, type: string, letter: Letter): ResourceScope[] =>
  resources.filter((scope) => (scope.type === '*' || scope.type === type) && scope.letters.includes(letter));

export const printScope = ({ context, type, letters, query, version }: ResourceScope): string => {
  const old = version === 1 && query === '' ? WORDS.find(([, means]) => means === letters)?.[0] : undefined;
  return `${context}/${type}.${old ?? letters}${query === '' ? '' : `?${query}`}`;
};

/** The words of version 1, and the letters that they mean. (scopes-and-launch-context.html#scopes-for-requesting-fhir-resources) */
const WORDS: readonly (readonly [string, string])[] = [
  ['read', 'rs'],
  ['write', 'cud'],
  ['*', LETTERS],
];

const SHAPE = /^(patient|user|system)\/([A-Za-z]+|\*)\.([a-z]+|\*)(?:\?(.*))?$/s;
const IN_ORDER = /^c?r?u?d?s?$/;

function readScope(scope: string, types?: ReadonlySet<string>): ResourceScope | { why: string } | undefined {
  if (!/^(patient|user|system)\//.test(scope)) return undefined;
  const found = SHAPE.exec(scope);
  if (found === null) return { why: 'it is not of the form patient/Type.cruds' };
  const [, context = '', type = '', access = '', query] = found;
  if (type !== '*' && types?.has(type) === false) return { why: `${type} is no resource type of this server` };
  const word = WORDS.find(([name]) => name === access)?.[1];
  if (word === undefined && !IN_ORDER.test(access))
    return { why: `${access} is not some of c, r, u, d, s in this order` };
  if (query !== undefined && word !== undefined) return { why: 'a scope of version 1 has no conditions' };
  const odd = query === undefined ? undefined : oddQuery(query, type);
  if (odd !== undefined) return { why: odd };
  const version = word === undefined ? 2 : 1;
  return { context: context as Context, type, letters: word ?? access, query: query ?? '', version };
}

/**
 * Conditions are of the form `name=value`, joined by `&`. Modifiers, chains and parameters that shape a result are an
 * experiment in SMART and not served here: to pass over one would grant more than it says.
 */
function oddQuery(query: string, type: string): string | undefined {
  if (type === '*') return 'conditions need one resource type';
  const pairs = query.split('&');
  if (pairs.some((pair) => !/^[a-z][A-Za-z0-9-]*=[^=]*$/.test(pair) || pair.endsWith('='))) {
    return 'its conditions are not of the form name=value; modifiers, chains and parameters with _ are not supported';
  }
  return undefined;
}

/** What two scopes both allow; none when they have nothing in common. */
function both(one: ResourceScope, other: ResourceScope): ResourceScope[] {
  if (one.context !== other.context) return [];
  if (one.type !== '*' && other.type !== '*' && one.type !== other.type) return [];
  const letters = lettersOf(one)
    .filter((letter) => other.letters.includes(letter))
    .join('');
  if (letters === '') return [];
  const type = one.type === '*' ? other.type : one.type;
  return [{ ...one, type, letters, query: conditions(one, other).join('&') }];
}

const conditions = (...scopes: ResourceScope[]): string[] => [
  ...new Set(scopes.flatMap(({ query }) => (query === '' ? [] : query.split('&')))),
];

/** Whether the first allows nothing that the second does not. */
const within = (one: ResourceScope, other: ResourceScope): boolean =>
  one.context === other.context &&
  (other.type === '*' || other.type === one.type) &&
  lettersOf(one).every((letter) => other.letters.includes(letter)) &&
  conditions(other).every((condition) => conditions(one).includes(condition));
