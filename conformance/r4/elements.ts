/**
 * StructureDefinitions become trees of children: what a type adds to its base, element by element, in the order of
 * the snapshot. Defaults (`min` 0, `max` 1, false) are left out, and so is what a base type already says.
 */
import type { ElementDefinition, StructureDefinition } from 'fhir/r4.js';

/** How one element stands in elements.json; types are written `Reference(Patient|Group)`. */
interface Element {
  min?: number;
  max?: number | '*';
  choice?: true;
  types?: string[];
  contentReference?: string;
  requiredValueSet?: string;
  summary?: true;
  modifier?: true;
  elements?: Record<string, Element>;
}

export interface Type {
  kind: string;
  abstract?: true;
  base?: string;
  url: string;
  elements: Record<string, Element>;
}

/** What the package's publisher added to R4: not in dataelements.json, not on the pages of the specification. */
const added = new Set([
  ...['project', 'author', 'onBehalfOf', 'account', 'accounts', 'compartment'].map((name) => `Meta.${name}`),
  'Binary.url',
  'DeviceDefinition.bodySite',
  'DeviceDefinition.classification',
  ...['linkId', 'note', 'instances[x]', 'duration[x]', 'timeFromEvent', 'definitionByTypeAndValue'].map(
    (name) => `EvidenceVariable.characteristic.${name}`,
  ),
  ...['Reference', 'Canonical', 'CodeableConcept', 'Expression', 'Id', 'ByCombination'].map(
    (type) => `EvidenceVariable.characteristic.definition${type}`,
  ),
  'ObservationDefinition.publisher',
  ...['name', 'label', 'studyDesign', 'region', 'descriptionSummary', 'classifier', 'associatedParty'].map(
    (name) => `ResearchStudy.${name}`,
  ),
  ...['progressStatus', 'whyStopped', 'recruitment', 'comparisonGroup', 'outcomeMeasure', 'result'].map(
    (name) => `ResearchStudy.${name}`,
  ),
  'ResearchStudy.objective.description',
]);

/** Cardinalities that the package's publisher loosened; dataelements.json has no elements with children. */
const minimum = new Map([['EvidenceVariable.characteristic', 1]]);

const fhirType = 'http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type';
const modelUrl = 'http://hl7.org/fhir/StructureDefinition/';

/**
 * @param structures the base definitions of R4
 * @param dataElements R4's elements one by one, by path, as a second witness: the publisher left them as they were
 */
export function typesOf(
  structures: StructureDefinition[],
  dataElements: Map<string, ElementDefinition>,
): Record<string, Type> {
  const trees = new Map(structures.map((structure) => [structure.name, treeOf(structure, dataElements)]));
  return Object.fromEntries(
    structures.map((structure) => {
      const base = structure.baseDefinition?.slice(modelUrl.length);
      const type: Type = {
        kind: structure.kind,
        ...(structure.abstract ? { abstract: true } : {}),
        ...(base === undefined ? {} : { base }),
        url: structure.url,
        elements: withoutInherited(trees.get(structure.name) ?? {}, trees.get(base ?? '') ?? {}, trees),
      };
      return [structure.name, type];
    }),
  );
}

function treeOf(structure: StructureDefinition, dataElements: Map<string, ElementDefinition>): Record<string, Element> {
  const root: Element = { elements: {} };
  const byPath = new Map([[structure.name, root]]);
  for (const element of elementsOf(structure, dataElements)) {
    const at = element.path.lastIndexOf('.');
    const parent = byPath.get(element.path.slice(0, at));
    if (!parent) throw new Error(`${element.path} has no parent`);
    const node = nodeOf(structure, element);
    (parent.elements ??= {})[element.path.slice(at + 1).replace('[x]', '')] = node;
    byPath.set(element.path, node);
  }
  return root.elements ?? {};
}

function elementsOf(structure: StructureDefinition, dataElements: Map<string, ElementDefinition>): ElementDefinition[] {
  const own = (structure.snapshot?.element ?? []).slice(1).filter((element) => {
    // The value of a primitive type is the JSON value itself.
    if (structure.kind === 'primitive-type' && element.path.endsWith('.value')) return false;
    return !added.has(element.path) && ![...added].some((path) => element.path.startsWith(`${path}.`));
  });
  const paths = new Set(own.map(({ path }) => path));
  const parents = new Set([structure.name, ...own.map(({ path }) => path.slice(0, path.lastIndexOf('.')))]);
  const lost = [...dataElements.values()].filter(
    ({ path }) => !paths.has(path) && path.startsWith(`${structure.name}.`) && parents.has(parentOf(path)),
  );
  // The data elements hold Quantity.comparator as SimpleQuantity forbids it: for Quantity the structure speaks.
  return [...own, ...lost].map((element) =>
    structure.name === 'Quantity' ? element : { ...element, ...dataElements.get(element.path) },
  );
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('.'));

function nodeOf(structure: StructureDefinition, element: ElementDefinition): Element {
  const min = minimum.get(element.path) ?? element.min ?? 0;
  const max = element.max === '*' ? '*' : Number(element.max);
  const required = element.binding?.strength === 'required' ? element.binding.valueSet?.split('|')[0] : undefined;
  const types = (element.type ?? []).map((type) => typeText(structure, element, type));
  return {
    ...(min === 0 ? {} : { min }),
    ...(max === 1 ? {} : { max }),
    ...(element.path.endsWith('[x]') ? { choice: true } : {}),
    ...(types.length === 0 ? {} : { types }),
    ...(element.contentReference === undefined ? {} : { contentReference: element.contentReference.slice(1) }),
    ...(required === undefined ? {} : { requiredValueSet: required }),
    ...(element.isSummary ? { summary: true } : {}),
    ...(element.isModifier ? { modifier: true } : {}),
  };
}

function typeText(
  structure: StructureDefinition,
  element: ElementDefinition,
  type: NonNullable<ElementDefinition['type']>[number],
): string {
  // R4 4.0.1 calls the id of a resource a string in its files and an id on its pages (resource.html#id): the pages hold.
  if (structure.kind === 'resource' && element.path === `${structure.name}.id`) return 'id';
  if (type.code.startsWith('http://hl7.org/fhirpath/')) {
    return type.extension?.find(({ url }) => url === fhirType)?.valueUrl ?? 'string';
  }
  const targets = (type.targetProfile ?? []).map((profile) => profile.slice(profile.lastIndexOf('/') + 1));
  const any = targets.length === 0 || targets.includes('Resource');
  return any ? type.code : `${type.code}(${targets.join('|')})`;
}

function withoutInherited(
  own: Record<string, Element>,
  base: Record<string, Element>,
  trees: Map<string, Record<string, Element>>,
): Record<string, Element> {
  const kept = Object.entries(own).filter(([name, node]) => JSON.stringify(node) !== JSON.stringify(base[name]));
  return Object.fromEntries(
    kept.map(([name, { elements, ...node }]) => {
      if (!elements) return [name, node];
      const inherited = trees.get(node.types?.[0] ?? '') ?? {};
      return [name, { ...node, elements: withoutInherited(elements, inherited, trees) }];
    }),
  );
}
