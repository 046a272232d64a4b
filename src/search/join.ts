/**
 * Parameters that ask about another resource: chains (`subject:Patient.organization.name`), which follow a reference,
 * and `_has:Observation:patient:code`, which goes against one. Either may go on in the other.
 * (R4 search.html#chaining, search.html#has)
 */
import { failure, type FhirError, type Kind } from '../fhir/outcome.js';
import type { ResourceType } from '../fhir/types.js';
import { limits } from '../kit/limits.js';
import type { Condition } from './ast.js';
import { possibleNames, shown } from './names.js';
import type { Parameter, SearchRegistry } from './registry.js';
import { servedParameter, type Context } from './served.js';
import { named, type QueryParameter } from './url.js';

export interface Join {
  /** The parameter that is asked of the other resource, which may be another join. */
  rest: string;
  /** Types of the other resource. */
  types: ResourceType[];
  around: (where: Condition) => Condition;
}

/** Undefined when the parameter is about the resource itself. */
export function joinOf(
  parameter: QueryParameter,
  types: readonly ResourceType[],
  context: Context,
  steps: number,
): Join | undefined {
  const { path } = parameter;
  const isHas = path === HAS || path.startsWith(`${HAS}:`);
  const dot = path.indexOf('.');
  if (!isHas && dot < 0) return undefined;
  if (steps >= limits.joinDepth) {
    throw refused('too-costly', parameter, `has more than ${limits.joinDepth} steps (limits.joinDepth).`);
  }
  return isHas ? has(parameter, types, context) : chain(parameter, dot, types, context);
}

const HAS = '_has';

function chain(parameter: QueryParameter, dot: number, types: readonly ResourceType[], { registry }: Context): Join {
  const head = named(parameter, parameter.path.slice(0, dot));
  const rest = parameter.path.slice(dot + 1);
  const served = servedParameter(head, types, registry);
  checkFollowed(parameter, served);
  const { name, modifier } = head;
  if (rest === '') throw refused('value', parameter, `names no parameter behind the dot of ${name}.`);
  if (modifier !== undefined && !served.targets.includes(modifier)) {
    const possible = possibleNames(served.targets, modifier);
    throw refused('value', parameter, `: ${name} never points at '${shown(modifier)}'. ${possible}`);
  }
  const targets = modifier === undefined ? served.targets.filter((type) => offers(type, rest, registry)) : [modifier];
  const [target] = targets;
  if (target === undefined) {
    const next = shown(nameOf(rest));
    const pointed = served.targets.slice(0, 10).join(', ');
    throw refused(
      'not-supported',
      parameter,
      `: nothing that ${name} points at (${pointed}) is searched by '${next}'.`,
    );
  }
  if (targets.length > 1) {
    const forms = targets.slice(0, 10).map((type) => `${name}:${type}.${shown(rest)}`);
    throw refused('value', parameter, `may be about several types; write one of ${forms.join(', ')}.`);
  }
  return { rest, types: [target], around: (where) => ({ kind: 'points', param: name, types: [target], where }) };
}

function has(parameter: QueryParameter, types: readonly ResourceType[], { registry }: Context): Join {
  const [, by = '', param = '', ...others] = parameter.path.split(':');
  const rest = others.join(':');
  if (by === '' || param === '' || rest === '') {
    throw refused('value', parameter, 'is written _has:Type:reference:parameter=value.');
  }
  if (!registry.resourceTypes.includes(by)) {
    const possible = possibleNames(registry.resourceTypes, by);
    throw refused('value', parameter, `names no resource type: '${shown(by)}'. ${possible}`);
  }
  const served = servedParameter(named(parameter, param), [by], registry);
  checkFollowed(parameter, served);
  if (!types.some((type) => served.targets.includes(type))) {
    const pointed = served.targets.slice(0, 10).join(', ');
    throw refused(
      'value',
      parameter,
      `finds nothing: ${by}:${param} refers to ${pointed}, which is not searched here.`,
    );
  }
  return { rest, types: [by], around: (where) => ({ kind: 'pointed', by, param, where }) };
}

/** Whether a resource of the type can be asked for the next part of a chain. */
function offers(type: ResourceType, rest: string, registry: SearchRegistry): boolean {
  const [name = '', by = '', param = ''] = rest.split(':', 3);
  if (name !== HAS) return registry.get(type, nameOf(rest)) !== undefined;
  return registry.get(by, param)?.targets.includes(type) ?? false;
}

const nameOf = (path: string): string => /^[^:.]*/.exec(path)?.[0] ?? '';

/** Only what stands as `Type/id` leads somewhere: a canonical names no single resource by its id. */
function checkFollowed(parameter: QueryParameter, { code, type, elements }: Parameter): void {
  if (type !== 'reference') {
    throw refused('not-supported', parameter, `: ${code} is a ${type} parameter; only references are followed.`);
  }
  if (elements.some((one) => one !== 'Reference')) {
    throw refused('not-supported', parameter, `: ${code} refers by canonical URL, which chains do not yet follow.`);
  }
}

function refused(kind: Kind, { key }: QueryParameter, why: string): FhirError {
  return failure(kind, `${shown(key)}${why.startsWith(':') ? '' : ' '}${why}`, `http.${shown(key)}`);
}
