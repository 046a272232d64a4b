/** The invariants of R4's types, and where its extensions may stand: out of StructureDefinitions, into rows by name. */
import type { ElementDefinition, StructureDefinition } from 'fhir/r4.js';

/** One rule as invariants.json has it; the severity is left out where it is `error`. */
interface Invariant {
  key: string;
  severity?: 'warning';
  human: string;
  expression: string;
}

/** Keys of rules that the package's publisher added: they are about elements of R5. */
const added = new Set(['evv-1']);

/** R4 repeats these at every element; they are kept where they belong. */
const everywhere = new Map([
  ['ele-1', 'Element'],
  ['ext-1', 'Extension'],
]);

/**
 * Path of a type or element -> the rules that hold there, without those that its base type has. An element whose type
 * is SimpleQuantity has the rule of that profile, the only one that R4's own types name.
 */
export function invariantsOf(structures: StructureDefinition[]): [path: string, invariants: Invariant[]][] {
  const byType = new Map(structures.map((one) => [one.name, one]));
  const simple = structures.find(({ name }) => name === 'SimpleQuantity');
  const ofSimple = (simple?.snapshot?.element[0]?.constraint ?? []).filter(({ key }) => key === 'sqty-1');
  return structures
    .filter(({ derivation }) => derivation !== 'constraint')
    .flatMap((structure) => {
      const base = byType.get(structure.baseDefinition?.replace(/^.*\//, '') ?? '');
      const inherited = new Set((base?.snapshot?.element[0]?.constraint ?? []).map(({ key }) => key));
      return (structure.snapshot?.element ?? []).map((element): [string, Invariant[]] => {
        const own = (element.constraint ?? []).filter(({ key }) => {
          if (added.has(key)) return false;
          if (everywhere.has(key)) return everywhere.get(key) === element.path;
          return element.path !== structure.name || !inherited.has(key);
        });
        return [element.path.replace('[x]', ''), [...own, ...(isSimple(element) ? ofSimple : [])].map(rowOf)];
      });
    })
    .filter(([, rules]) => rules.length > 0);
}

const isSimple = ({ type }: ElementDefinition): boolean =>
  (type ?? []).some(({ profile }) => profile?.some((url) => url.endsWith('/SimpleQuantity')) === true);

type Constraint = NonNullable<ElementDefinition['constraint']>[number];

const rowOf = ({ key, severity, human, expression }: Constraint): Invariant => ({
  key,
  ...(severity === 'warning' ? { severity } : {}),
  human,
  expression: expression ?? '',
});

/** An extension as extensions.json has it: the elements it may stand on, and the types that its value may have. */
interface Extension {
  on: string[];
  modifier?: true;
  /** Left out where it has extensions of its own in place of a value. */
  types?: string[];
  /** FHIRPath of what must hold of the element that it stands on; `%extension` is the extension itself. */
  when?: string[];
}

export function extensionsOf(structures: StructureDefinition[]): [url: string, extension: Extension][] {
  return structures.map((structure) => {
    const elements = structure.snapshot?.element ?? [];
    const value = elements.find(({ path }) => path === 'Extension.value[x]');
    const types = value?.max === '0' ? [] : (value?.type ?? []).map(({ code }) => code);
    const row: Extension = {
      on: (structure.context ?? []).map(({ expression }) => expression).sort(),
      ...(elements[0]?.isModifier === true ? { modifier: true } : {}),
      ...(types.length === 0 ? {} : { types }),
      ...(structure.contextInvariant === undefined ? {} : { when: structure.contextInvariant }),
    };
    return [structure.url, row];
  });
}
