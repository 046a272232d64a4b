/**
 * A compartment as a condition: everything that refers to one Patient, Encounter, Practitioner, RelatedPerson or Device
 * by the parameters that its CompartmentDefinition names, and that resource itself. (R4 compartmentdefinition.html)
 */
import { failure } from '../fhir/outcome.js';
import type { ResourceType } from '../fhir/types.js';
import type { Condition } from './ast.js';
import { possibleNames, shown } from './names.js';
import type { Plan } from './plan.js';
import type { SearchRegistry } from './registry.js';

export interface Compartment {
  /** What may be found: the type that the client names, or all that the compartment has. */
  types: ResourceType[];
  condition: Condition;
}

/** @param member a resource type, or `*` for all; what is not in the compartment is refused, never searched as a whole */
export function compartmentOf(type: ResourceType, id: string, member: string, registry: SearchRegistry): Compartment {
  const definition = registry.definitions.compartments.get(type);
  if (definition === undefined) {
    const possible = [...registry.definitions.compartments.keys()].join(', ');
    throw failure('not-found', `${type} has no compartment to search in; ${possible} have one.`);
  }
  const known = [...new Set([...definition.keys(), type])].filter((one) => registry.resourceTypes.includes(one)).sort();
  const types = member === '*' || member === '%2A' ? known : known.filter((one) => one === member);
  if (types.length === 0) {
    const possible = possibleNames(known, member);
    throw failure(
      'not-found',
      `'${shown(member)}' is no type of the compartment of ${type}, and nothing else here. ${possible}`,
    );
  }
  const byParameter = new Map<string, ResourceType[]>();
  for (const one of types) {
    for (const param of definition.get(one) ?? []) {
      if (registry.get(one, param)?.type !== 'reference') continue;
      byParameter.set(param, [...(byParameter.get(param) ?? []), one]);
    }
  }
  const of: Plan[] = [...byParameter].map(([param, list]) => ({
    node: 'entry',
    param,
    test: { kind: 'text', value: { is: [`${type}/${id}`] } },
    // The same name means membership in one type, and nothing in another.
    ...(types.length === 1 ? {} : { types: list }),
  }));
  if (types.includes(type)) of.push({ node: 'id', ids: [id], types: [type] });
  const [only] = of;
  return {
    types,
    condition: { kind: 'within', plan: only !== undefined && of.length === 1 ? only : { node: 'any', of } },
  };
}
