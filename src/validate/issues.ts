/** Problems as issues of an OperationOutcome: what was found, what is allowed, and where, as FHIRPath. */
import type { Issue } from '../fhir/outcome.js';
import type { Resource } from '../fhir/types.js';
import type { CodeSet } from './bindings.js';
import { closest } from './closest.js';
import { fhirPath } from './location.js';
import type { Members } from '../fhir/members.js';
import type { Found, Problem } from './problems.js';

type MembersOf = (type: string) => Members;

export function issueFor(members: MembersOf, resource: Resource, { at, problem }: Found): Issue {
  const { code, diagnostics } = say(problem);
  return { severity: 'error', code, diagnostics, expression: [fhirPath(members, resource, at)] };
}

export function uncheckedIssue(
  members: MembersOf,
  resource: Resource,
  { at, valueSet }: { at: string; valueSet: string },
): Issue {
  return {
    severity: 'information',
    code: 'informational',
    diagnostics: `This server does not know the codes of ${valueSet}, so it did not check the code here against them.`,
    expression: [fhirPath(members, resource, at)],
  };
}

interface Said {
  /** A code of the value set issue-type. */
  code: string;
  diagnostics: string;
}

type Sentences = { [Kind in Problem['kind']]: (problem: Extract<Problem, { kind: Kind }>) => Said };

const sentences: Sentences = {
  type: ({ expected, value }) => ({
    code: 'structure',
    diagnostics:
      expected === 'array'
        ? `Found ${shown(value)}, but this element repeats: put its values in a list, as in [ … ].`
        : `Found ${shown(value)}, but this element is an object, as in { … }.`,
  }),
  unknown: ({ name, allowed }) => ({ code: 'structure', diagnostics: unknownName(name, allowed) }),
  missing: ({ names }) => {
    const [first = '', ...others] = names.filter((name) => !name.startsWith('_'));
    const any = others.length > 0 ? `one of ${list([first, ...others], 6)}` : `"${first}"`;
    return { code: 'required', diagnostics: `The required element ${any} is missing.` };
  },
  choices: ({ element, names }) => ({
    code: 'structure',
    diagnostics: `Found ${list(names, 4)}, but ${element}[x] may have only one of its types at a time.`,
  }),
  empty: ({ what }) => ({
    code: 'structure',
    diagnostics: what === 'array' ? 'Found an empty list; leave it out.' : 'Found an empty object; leave it out.',
  }),
  'only-id': () => ({
    code: 'invariant',
    diagnostics: 'Found an id and nothing else; an element must have a value, other elements or extensions (ele-1).',
  }),
  null: ({ list }) => ({
    code: 'structure',
    diagnostics: list
      ? 'Found null with nothing beside it; null only keeps the place of a value that has an id or extensions.'
      : 'Found null; leave out what has no value.',
  }),
  beside: ({ name, says }) => ({
    code: 'structure',
    diagnostics: `"_${name}" ${says}; it holds the ids and extensions of the values of "${name}", each at its place.`,
  }),
  extension: ({ found }) => ({
    code: 'invariant',
    diagnostics: `An extension has either a value[x] or extensions of its own; found ${found} (ext-1).`,
  }),
  format: ({ type, expects, value, digits }) => ({
    code: 'value',
    diagnostics: `Found ${digits ?? shown(value)}, but a value of type ${type} is ${expects}.`,
  }),
  code: ({ valueSet, set, value }) => ({
    code: 'code-invalid',
    diagnostics: `${foundCode(value)} Allowed ${allowedCodes(set)} (value set ${valueSet}).`,
  }),
  'resource-type': ({ value }) => ({
    code: 'structure',
    diagnostics:
      value === undefined
        ? 'The property "resourceType" is missing.'
        : `Found the resourceType ${shown(value)}, which is not a concrete resource type of FHIR R4.`,
  }),
};

function say(problem: Problem): Said {
  const sentence = sentences[problem.kind] as (problem: Problem) => Said;
  return sentence(problem);
}

function unknownName(name: string, allowed: string[]): string {
  const plain = allowed.filter((one) => !one.startsWith('_'));
  const near = closest(name, name.startsWith('_') ? allowed : plain);
  const hint = near === undefined ? `Allowed are ${list(plain, 30)}.` : `Did you mean "${near}"?`;
  return `Unknown element ${shown(name)}. ${hint}`;
}

function foundCode(value: unknown): string {
  if (typeof value === 'string') return `Found the code ${shown(value)}.`;
  const coding: unknown = (value as { coding?: unknown }).coding ?? value;
  const codes = (Array.isArray(coding) ? (coding as unknown[]) : [coding]).flatMap((one) => {
    const { system, code } = one as { system?: unknown; code?: unknown };
    return typeof code === 'string' ? `${typeof system === 'string' ? system : '(no system)'}|${code}` : [];
  });
  return codes.length === 0
    ? 'Found no code, but one is required here.'
    : `Found ${codes.slice(0, 3).map(shown).join(', ')}.`;
}

function allowedCodes({ examples, size, systems }: CodeSet): string {
  const some =
    size === undefined ? 'are, for example,' : size > examples.length ? `are ${String(size)} codes, such as` : 'are';
  const from = systems.length === 1 ? ` of ${systems[0] ?? ''}` : '';
  return `${some} ${list(examples, 12)}${from}`;
}

const shownCharacters = 60;

/** A value as found, cut to a bearable length; the inside of objects and lists is left out. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value !== 'string') return String(value);
  if (value.length <= shownCharacters) return JSON.stringify(value);
  return `${JSON.stringify(value.slice(0, shownCharacters))}… (${String(value.length)} characters)`;
}

function list(names: string[], most: number): string {
  const some = names.slice(0, most).join(', ');
  return names.length > most ? `${some}, …` : some;
}
