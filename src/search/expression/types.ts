/** What the element definitions say statically about the paths of an expression: children, choices, is and as. */
import type { Definitions, ElementDefinition } from '../../fhir/definitions.js';
import { referencedType } from '../../fhir/reference.js';
import type { Element } from '../../fhir/types.js';
import type { Step } from './walk.js';

/** One way to the values of an expression, and the FHIR type of what stands at its end. */
export interface Leaf {
  type: string;
  steps: readonly Step[];
  /** The children, where they are defined in place. */
  elements?: Readonly<Record<string, ElementDefinition>>;
  /** The value set that a code comes from by a required binding. */
  requiredValueSet?: string;
}

/** What `resolve()` leads to: its type is known from the reference's text alone, its content never. */
export const RESOLVED = 'resolved resource';

/** The leaf if it is of the type, or the resources of the type among those it may hold. */
export function narrow(definitions: Definitions, leaf: Leaf, type: string): Leaf[] {
  if (isA(definitions, leaf.type, type)) return [leaf];
  if (!isA(definitions, type, leaf.type)) return [];
  const ofType: Step = (value, emit) => {
    if ((value as Element).resourceType === type) emit(value);
  };
  return [{ type, steps: [...leaf.steps, ofType] }];
}

export function isType(definitions: Definitions, leaf: Leaf, type: string): Leaf {
  const known = isA(definitions, leaf.type, type);
  const step: Step = (value, emit) => {
    if (typeof value !== 'object' || value === null) emit(known);
    else if (leaf.type === RESOLVED) emit(referencedType(value as Element) === type);
    else emit(known || (value as Element).resourceType === type);
  };
  return { type: 'boolean', steps: [...leaf.steps, step] };
}

export function children(definitions: Definitions, leaves: readonly Leaf[], name: string): Leaf[] {
  const found: Leaf[] = [];
  for (const leaf of leaves) {
    const element = (leaf.elements ?? definitions.types.get(leaf.type)?.elements)?.[name];
    if (element !== undefined) found.push(...childLeaves(definitions, leaf, name, element));
  }
  if (found.length > 0 || leaves.length === 0) return found;
  throw new Error(`No element '${name}' in ${leaves.map((leaf) => leaf.type).join(', ')}.`);
}

function childLeaves(definitions: Definitions, leaf: Leaf, name: string, element: ElementDefinition): Leaf[] {
  if (element.contentReference !== undefined) {
    const elements = elementsAt(definitions, element.contentReference);
    return [{ type: 'BackboneElement', steps: [...leaf.steps, name], elements }];
  }
  return element.types.map(({ code }) => {
    const type = code.startsWith(SYSTEM) ? code.slice(SYSTEM.length).toLowerCase() : code;
    const key = element.choice === true ? name + type.charAt(0).toUpperCase() + type.slice(1) : name;
    return {
      type,
      steps: [...leaf.steps, key],
      ...(element.elements === undefined ? {} : { elements: element.elements }),
      ...(element.requiredValueSet === undefined ? {} : { requiredValueSet: element.requiredValueSet }),
    };
  });
}

/** The children of the element that a contentReference such as `Questionnaire.item` names. */
function elementsAt(definitions: Definitions, path: string): Readonly<Record<string, ElementDefinition>> {
  const [type = '', ...names] = path.slice(path.indexOf('#') + 1).split('.');
  let elements = definitions.types.get(type)?.elements;
  for (const name of names) elements = elements?.[name]?.elements;
  if (elements === undefined) throw new Error(`The contentReference ${path} leads nowhere.`);
  return elements;
}

/** Whether a type is another or derives from it, however many steps up. */
export function isA(definitions: Definitions, type: string, ancestor: string): boolean {
  for (let name: string | undefined = type, depth = 0; name !== undefined && depth < 8; depth += 1) {
    if (name === ancestor) return true;
    const base: string | undefined = definitions.types.get(name)?.base;
    name = base?.slice(base.lastIndexOf('/') + 1);
  }
  return false;
}

const SYSTEM = 'http://hl7.org/fhirpath/System.';
