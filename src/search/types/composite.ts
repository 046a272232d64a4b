/**
 * composite: values that stand together in one element, such as a code and its value. Each combination is one entry,
 * so that systolic and 80 are not found where 80 is the diastolic one. (R4 search.html#composite)
 *
 * The entry's value is the components' texts, joined. A component that is a range (quantity, date, number) gives the
 * entry its ends; two numbers give one end each. `together.ts` reads them out of resources.
 */
import { limits } from '../../kit/limits.js';
import type { Bounds, Test } from '../plan.js';
import { splitUnescaped } from '../url.js';
import { combinations, systemsOf, withSystem, type Form, type Systems } from './form.js';
import { badValue, type Asked, type Component, type SearchType } from './type.js';

export const composite: SearchType = {
  /** `together.ts` reads composites: what stands in an element depends on the components. */
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
    const systems = systemsOf(components);
    const forms = components.map((component, at) =>
      askedForms(component, systems[at] ?? 'none', parts[at] ?? '', asked),
    );
    const combined = combinations(forms, limits.alternatives + 1);
    return [...textTests(combined.filter(({ ends }) => ends.length === 0)), ...combined.flatMap(rangeTest)];
  },
};

/** All that are compared as a whole, and with the same system, are one test. */
function textTests(forms: readonly Form<Bounds | undefined>[]): Test[] {
  const whole = new Map<string | undefined, string[]>();
  for (const { key, detail } of forms.filter(({ starts }) => !starts)) {
    whole.set(detail, [...(whole.get(detail) ?? []), key]);
  }
  const narrowed = (detail: string | undefined) => (detail === undefined ? {} : { detail });
  return [
    ...[...whole].map(([detail, is]): Test => ({ kind: 'text', value: { is }, ...narrowed(detail) })),
    ...forms.filter(({ starts }) => starts).map(({ key }): Test => ({ kind: 'text', value: { startsWith: key } })),
  ];
}

function askedForms(
  { facts, searchType }: Component,
  systems: Systems,
  raw: string,
  { key, base, now }: Asked,
): Form<Bounds | undefined>[] {
  const asked: Asked = { key, parameter: facts, base, now };
  return searchType.parse(raw, asked).flatMap((test): Form<Bounds | undefined>[] => {
    if (test.kind === 'any') return [];
    if (test.kind === 'range') return [form(test.value, { ends: [{ low: test.low, high: test.high }] })];
    const { value, detail } = test;
    if (value !== undefined && 'startsWith' in value) return [form(value.startsWith, { starts: true })];
    if (value === undefined || 'contains' in value)
      throw badValue(asked, raw, 'must name a code; a system alone does not do here.');
    if (detail !== undefined && facts.type !== 'token')
      throw badValue(asked, raw, 'names a version; leave it out here.');
    if (detail === undefined) return value.is.map((one) => form(one));
    // What can have no system has none of this name.
    if (systems === 'none') return detail === '' ? value.is.map((one) => form(one)) : [];
    if (systems === 'detail') return value.is.map((one) => form(one, { detail }));
    return value.is.map((one) => form(withSystem(detail, one)));
  });
}

const form = (key: string, parts: Partial<Form<Bounds | undefined>> = {}): Form<Bounds | undefined> => ({
  key,
  detail: undefined,
  ends: [],
  starts: false,
  ...parts,
});

/** Two ranges are two numbers, each with one end of the entry to itself. */
function rangeTest({ key, ends }: Form<Bounds | undefined>): Test[] {
  const [first, second] = ends;
  if (first === undefined) return [];
  const { low, high } = first;
  if (second === undefined) return [{ kind: 'range', value: key, ...(low && { low }), ...(high && { high }) }];
  return [{ kind: 'range', value: key, low: { ...low, ...high }, high: { ...second.low, ...second.high } }];
}
