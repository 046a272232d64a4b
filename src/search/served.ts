/** The parameter that a name stands for, or why there is none. */
import { failure } from '../fhir/outcome.js';
import type { ResourceType } from '../fhir/types.js';
import type { Instant } from '../kit/clock.js';
import { controls } from './control.js';
import { possibleNames, shown } from './names.js';
import { namesOf, parameterOf, type Parameter, type SearchRegistry } from './registry.js';
import type { QueryParameter } from './url.js';

/** What the meaning of a parameter depends on. */
export interface Context {
  registry: SearchRegistry;
  base: string;
  now: Instant;
}

/** The parameter of this name that all the types have; says as well as it can why there is none. */
export function servedParameter(
  { key, name }: QueryParameter,
  types: readonly ResourceType[],
  registry: SearchRegistry,
): Parameter {
  const served = parameterOf(registry, types, name);
  if (served !== undefined) return served;
  const subject = key.startsWith(name) ? shown(key) : `${shown(name)} of ${shown(key)}`;
  const refuse = (why: string) => failure('not-supported', `${subject} ${why}`, `http.${shown(key)}`);
  if (NOT_YET.has(name)) throw refuse('is not yet served.');
  const kind = types.map((type) => registry.defined(type, name)?.type).find((found) => found !== undefined);
  const [first = ''] = types;
  const composites = types.flatMap((type) => compositesWith(registry, type, name));
  if (kind !== undefined && composites.length > 0) {
    throw refuse(
      `is a part of composite parameters and finds nothing by itself. Ask for ${[...new Set(composites)].join(', ')}.`,
    );
  }
  if (kind !== undefined && types.every((type) => registry.get(type, name) === undefined)) {
    throw refuse(`is a parameter of the type ${kind} that is not yet served.`);
  }
  const names = [...namesOf(registry, types), ...(key.startsWith(name) ? Object.keys(controls) : [])];
  const where = types.length === 1 ? `of ${first}` : 'that all of the searched types have in common';
  throw refuse(`is no search parameter ${where}. ${possibleNames(names, name)}`);
}

/** The served composites that a parameter is a part of. */
function compositesWith(registry: SearchRegistry, type: ResourceType, name: string): string[] {
  const url = registry.defined(type, name)?.url;
  const ofIt = ({ code }: Parameter) =>
    registry.defined(type, code)?.components?.some(({ definition }) => definition === url) === true;
  return url === undefined
    ? []
    : registry
        .list(type)
        .filter(ofIt)
        .map(({ code }) => code);
}

/** R4's own parameters that a later version serves. (R4 search.html#table) */
const NOT_YET: ReadonlySet<string> = new Set([
  '_text',
  '_content',
  '_filter',
  '_list',
  '_query',
  '_contained',
  '_containedType',
]);
