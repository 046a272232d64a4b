/** One search parameter of a query as a condition. */
import { isId } from '../fhir/reference.js';
import { failure, type FhirError } from '../fhir/outcome.js';
import type { ResourceType } from '../fhir/types.js';
import type { Instant } from '../kit/clock.js';
import type { Condition } from './ast.js';
import { controls } from './control.js';
import { possibleNames, shown } from './names.js';
import { namesOf, parameterOf, type Parameter, type SearchRegistry } from './registry.js';
import { orValues, type QueryParameter } from './url.js';

export function conditionOf(
  parameter: QueryParameter,
  types: readonly ResourceType[],
  registry: SearchRegistry,
  options: { base: string; now: Instant },
): Condition {
  const { key, name, modifier } = parameter;
  const served = parameterOf(registry, types, name);
  if (served === undefined || key.includes('.')) throw unknownParameter(parameter, types, registry);
  checkModifier(parameter, served);
  if (modifier === 'missing') return { kind: 'missing', param: name, missing: truthOf(parameter) };
  const values = orValues(parameter);
  const negated = modifier === 'not';
  if (name === '_id') return { kind: 'id', ids: values.map((id) => checkedId(id, key)), negated };
  const asked = { key, parameter: served, base: options.base, now: options.now, ...(modifier && { modifier }) };
  const tests = values.flatMap((value) => served.searchType.parse(value, asked));
  return { kind: 'tests', param: name, tests, negated };
}

/** Says as well as it can why a parameter is not served, and which ones are. */
function unknownParameter(
  { key, name }: QueryParameter,
  types: readonly ResourceType[],
  registry: SearchRegistry,
): FhirError {
  const refuse = (why: string) => failure('not-supported', `${shown(key)} ${why}`, `http.${shown(key)}`);
  if (NOT_YET.has(name)) return refuse('is not yet served.');
  if (key.includes('.')) return refuse('is a chain; chained parameters are not yet served.');
  const kind = types.map((type) => registry.defined(type, name)?.type).find((found) => found !== undefined);
  const [first = ''] = types;
  if (kind !== undefined && types.every((type) => registry.get(type, name) === undefined)) {
    return refuse(`is a parameter of the type ${kind} that is not yet served.`);
  }
  const names = [...namesOf(registry, types), ...Object.keys(controls)];
  const where = types.length === 1 ? `of ${first}` : 'that all of the searched types have in common';
  return refuse(`is no search parameter ${where}. ${possibleNames(names, name)}`);
}

/** R4's own parameters that a later version serves. (R4 search.html#table) */
const NOT_YET: ReadonlySet<string> = new Set([
  '_has',
  '_summary',
  '_elements',
  '_text',
  '_content',
  '_filter',
  '_list',
  '_query',
  '_contained',
  '_containedType',
]);

function checkModifier({ key, modifier }: QueryParameter, served: Parameter): void {
  if (modifier === undefined) return;
  // The store has these two for every resource, so that they are never missing.
  const possible = served.paths.length === 0 ? [] : ['missing', ...served.searchType.modifiers(served)];
  if (possible.includes(modifier) || (served.code === '_id' && modifier === 'not')) return;
  const names = possibleNames(possible.map((one) => `:${one}`));
  const why = `The modifier of ${shown(key)} is not served for ${served.code}, a ${served.type} parameter. ${names}`;
  throw failure('not-supported', why.trim(), `http.${shown(key)}`);
}

function truthOf({ key, raw }: QueryParameter): boolean {
  if (raw === 'true' || raw === 'false') return raw === 'true';
  throw failure('value', `${key} is true or false, not '${shown(raw)}'.`, `http.${key}`);
}

function checkedId(id: string, key: string): string {
  if (isId(id)) return id;
  const form = 'an id is 1 to 64 letters, digits, dots and hyphens (R4 datatypes.html#id)';
  throw failure('value', `The value '${shown(id)}' of ${key} is no id; ${form}.`, `http.${key}`);
}
