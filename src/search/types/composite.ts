/**
 * composite: values that stand together in one element, such as a code and its value. Each combination is one entry,
 * so that systolic and 80 are not found where 80 is the diastolic one. (R4 search.html#composite)
 *
 * The entry's value is the components' texts, joined; of a code there is one entry with its system and one without. A
 * component that is a range (quantity, date, number) gives the entry its ends; two numbers give one end each.
 */
import { failure, type FhirError } from '../../fhir/outcome.js';
import { limits } from '../../kit/limits.js';
import { walk } from '../expression/walk.js';
import type { Bounds, Test } from '../plan.js';
import { splitUnescaped } from '../url.js';
import { badValue, type Asked, type Component, type Path, type Reader, type SearchType, type Sink } from './type.js';

export const composite: SearchType = {
  /** Made for each parameter by `compositeReader`: what it reads depends on its components. */
  readers: {},

  modifiers: () => [],

  parse(raw, asked): Test[] {
    const components = asked.parameter.components ?? [];
    const parts = splitUnescaped(raw, '$');
    if (parts.length !== components.length || parts.includes('')) {
      const form = components.map(({ facts }) => facts.type).join('$');
      throw badValue(
        asked,
        raw,
        `is not ${form}: one value for each part; a $ that belongs to a value is written \\$.`,
      );
    }
    const forms = components.map((component, at) => askedForms(component, parts[at] ?? '', asked));
    const combined = combinations(forms, limits.alternatives + 1);
    const is = combined.filter(({ ends, starts }) => ends.length === 0 && !starts).map(({ key }) => key);
    return [
      ...(is.length === 0 ? [] : [{ kind: 'text' as const, value: { is } }]),
      ...combined.filter(({ starts }) => starts).map(({ key }): Test => ({ kind: 'text', value: { startsWith: key } })),
      ...combined.filter(({ ends }) => ends.length > 0).map(rangeOf),
    ];
  },
};

/** Where a component's values stand. */
export interface ComponentPaths {
  component: Component;
  paths: readonly Path[];
  /** They begin at the resource, not at the element that the others stand in: `%resource`. */
  atResource: boolean;
}

/** `at`: the path of the element that the values stand in. */
export function compositeReader(code: string, at: string, components: readonly ComponentPaths[]): Reader {
  return (element, into) => {
    const forms: Form<number>[][] = [];
    for (const { component, paths, atResource } of components) {
      const found = new Found(into, component.facts.type === 'token');
      for (const { steps, read, implied } of paths) {
        walk(steps, atResource ? into.resource : element, (value) => read(value, found, implied));
      }
      if (found.forms.length === 0) return;
      forms.push(found.forms);
    }
    const count = forms.reduce((product, { length }) => product * length, 1);
    if (count > limits.combinations) throw tooMany(code, at, count);
    for (const { key, ends } of combinations(forms, count)) {
      const [first, second] = ends;
      if (first === undefined) into.text(key);
      else into.range(first.low, second === undefined ? first.high : second.low, key);
    }
  };
}

/** Never cut: what is missing from an index would not be found, and nobody would know. */
const tooMany = (code: string, at: string, count: number): FhirError =>
  failure(
    'unprocessable',
    `One ${at} has ${count} combinations of values for the search parameter ${code}, and at most ${limits.combinations} ` +
      'are kept (limit combinations). Give it fewer codes, or put some of its values into elements of their own.',
    at,
  );

/** One way in which a component's value stands in an entry; `ends`: of the ranges among the components, in order. */
interface Form<End> {
  key: string;
  ends: { low: End; high: End }[];
  /** The text goes on behind the key. */
  starts?: true;
}

/** Neither stands in a FHIR string. (R4 datatypes.html#string) */
const BETWEEN_COMPONENTS = '\u001e';
const BEHIND_SYSTEM = '\u001f';

/** Takes a component's values instead of the resource's own entries. */
class Found implements Sink {
  readonly base: string;
  readonly resource: Sink['resource'];
  readonly forms: Form<number>[] = [];
  readonly #isToken: boolean;

  constructor(into: Sink, isToken: boolean) {
    this.base = into.base;
    this.resource = into.resource;
    this.#isToken = isToken;
  }

  text(value: string, detail = ''): void {
    this.forms.push({ key: value, ends: [] });
    if (this.#isToken) this.forms.push({ key: `${detail}${BEHIND_SYSTEM}${value}`, ends: [] });
  }

  range(low: number, high: number, value = ''): void {
    this.forms.push({ key: value, ends: [{ low, high }] });
  }

  /** What a modifier finds is no part of a composite. */
  aside(): void {
    return;
  }
}

function askedForms(
  { facts, searchType }: Component,
  raw: string,
  { key, base, now }: Asked,
): Form<Bounds | undefined>[] {
  const asked: Asked = { key, parameter: facts, base, now };
  return searchType.parse(raw, asked).flatMap((test): Form<Bounds | undefined>[] => {
    if (test.kind === 'any') return [];
    if (test.kind === 'range') return [{ key: test.value, ends: [{ low: test.low, high: test.high }] }];
    const { value, detail } = test;
    if (value !== undefined && 'startsWith' in value) return [{ key: value.startsWith, ends: [], starts: true }];
    if (value === undefined || 'contains' in value)
      throw badValue(asked, raw, 'must name a code; a system alone does not do here.');
    if (detail !== undefined && facts.type !== 'token')
      throw badValue(asked, raw, 'names a version; leave it out here.');
    const system = detail === undefined ? '' : `${detail}${BEHIND_SYSTEM}`;
    return value.is.map((one) => ({ key: `${system}${one}`, ends: [] }));
  });
}

function combinations<End>(components: readonly Form<End>[][], most: number): Form<End>[] {
  const [first = [], ...others] = components;
  let combined: Form<End>[] = first;
  for (const forms of others) {
    combined = combined
      .slice(0, most)
      .flatMap((left) => forms.slice(0, most).map((right) => joined(left, right)))
      .slice(0, most);
  }
  return combined;
}

const joined = <End>(left: Form<End>, right: Form<End>): Form<End> => ({
  key: `${left.key}${BETWEEN_COMPONENTS}${right.key}`,
  ends: left.ends.length === 0 ? right.ends : [...left.ends, ...right.ends],
  ...(right.starts && { starts: right.starts }),
});

/** Two ranges are two numbers, each with one end of the entry to itself. */
function rangeOf({ key, ends }: Form<Bounds | undefined>): Test {
  const [first, second] = ends;
  if (second === undefined) {
    return {
      kind: 'range',
      value: key,
      ...(first?.low && { low: first.low }),
      ...(first?.high && { high: first.high }),
    };
  }
  return { kind: 'range', value: key, low: { ...first?.low, ...first?.high }, high: { ...second.low, ...second.high } };
}
