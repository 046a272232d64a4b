/** One search parameter of a query as a condition. What follows a reference, forward or back, is read in `join.ts`. */
import { isId } from '../fhir/reference.js';
import { failure } from '../fhir/outcome.js';
import type { ResourceType } from '../fhir/types.js';
import type { Condition } from './ast.js';
import { joinOf } from './join.js';
import { possibleNames, shown } from './names.js';
import type { Parameter } from './registry.js';
import { servedParameter, type Context } from './served.js';
import { named, orValues, type QueryParameter } from './url.js';

/** @param steps how many references were followed to get to these types */
export function conditionOf(
  parameter: QueryParameter,
  types: readonly ResourceType[],
  context: Context,
  steps = 0,
): Condition {
  const join = joinOf(parameter, types, context, steps);
  if (join === undefined) return ownCondition(parameter, types, context);
  const { rest, types: next, around } = join;
  return around(conditionOf(named(parameter, rest), next, context, steps + 1));
}

function ownCondition(parameter: QueryParameter, types: readonly ResourceType[], context: Context): Condition {
  const { key, name, modifier } = parameter;
  const { registry, base, now } = context;
  const served = servedParameter(parameter, types, registry);
  checkModifier(parameter, served);
  const { asides = [] } = served.searchType;
  if (modifier === 'missing') {
    const params = [name, ...asides.filter((aside) => hasModifier(served, aside)).map((aside) => `${name}:${aside}`)];
    return { kind: 'missing', params, missing: truthOf(parameter) };
  }
  const values = orValues(parameter);
  const negated = modifier === 'not';
  if (name === '_id') return { kind: 'id', ids: values.map((id) => checkedId(id, key)), negated };
  const asked = { key, parameter: served, base, now, ...(modifier && { modifier }) };
  const tests = values.flatMap((value) => served.searchType.parse(value, asked));
  const param = modifier !== undefined && asides.includes(modifier) ? `${name}:${modifier}` : name;
  return { kind: 'tests', param, tests, negated };
}

const hasModifier = (served: Parameter, modifier: string): boolean =>
  served.searchType.modifiers(served).includes(modifier);

function checkModifier({ key, modifier }: QueryParameter, served: Parameter): void {
  if (modifier === undefined) return;
  // The store has these two for every resource, so that they are never missing.
  const possible =
    served.paths.length === 0 && served.within === undefined ? [] : ['missing', ...served.searchType.modifiers(served)];
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
