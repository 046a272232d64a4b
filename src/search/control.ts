/** TABLE: the parameters that shape a result instead of selecting resources. (R4 search.html#return) */
import { failure, type FhirError } from '../fhir/outcome.js';
import { elementsNamed, summaryNamed } from '../fhir/subset.js';
import { limits } from '../kit/limits.js';
import type { Include, Search, Total } from './ast.js';
import { possibleNames, shown } from './names.js';
import { namesOf, parameterOf, type SearchRegistry } from './registry.js';
import type { QueryParameter } from './url.js';

interface Control {
  /** Whether it may be given more than once. */
  repeats: boolean;
  read(parameter: QueryParameter, search: Search, registry: SearchRegistry): void;
}

export const controls = {
  _type: once((parameter, search) => {
    search.types = typesNamed(parameter, search);
    search.named = true;
  }),
  _count: once((parameter, search) => {
    search.count = countOf(parameter);
  }),
  _sort: once((parameter, search, registry) => {
    search.sort = sortOf(parameter, search, registry);
  }),
  _total: once((parameter, search) => {
    search.total = totalOf(parameter);
  }),
  _summary: once((parameter, search) => {
    const summary = summaryNamed(parameter.raw);
    if (summary === undefined) return;
    if (search.subset !== undefined) throw wrong(parameter, 'and _elements cannot both choose what is shown.');
    search.subset = summary;
  }),
  _elements: once((parameter, search, registry) => {
    if (search.subset !== undefined) throw wrong(parameter, 'and _summary cannot both choose what is shown.');
    search.subset = elementsNamed(parameter.raw, search.types, registry.definitions);
  }),
  _cursor: once(({ raw }, search) => {
    search.cursor = raw;
  }),
  _include: {
    repeats: true,
    read: (parameter, search, registry) => void search.includes.push(includeOf(parameter, search, registry)),
  },
  _revinclude: {
    repeats: true,
    read: (parameter, search, registry) => void search.revincludes.push(revincludeOf(parameter, search, registry)),
  },
  /** How the answer is written is settled before the search begins. */
  _format: once(() => undefined),
  _pretty: once(() => undefined),
} satisfies Record<string, Control>;

export const isControl = (name: string): name is keyof typeof controls => Object.hasOwn(controls, name);

function once(read: Control['read']): Control {
  return {
    repeats: false,
    read(parameter, search, registry) {
      if (parameter.modifier !== undefined) throw unknownModifier(parameter, '');
      read(parameter, search, registry);
    },
  };
}

function typesNamed(parameter: QueryParameter, search: Search): string[] {
  const { key, raw } = parameter;
  if (search.types.length === 1) {
    throw failure('not-supported', '_type narrows a search of all types; this one searches one type.', `http.${key}`);
  }
  const names = [...new Set(raw.split(','))];
  for (const name of names) {
    if (search.types.includes(name)) continue;
    const close = possibleNames(search.types, name);
    throw wrong(parameter, `'${shown(name)}' is no resource type that can be searched here. ${close}`);
  }
  return names;
}

function countOf(parameter: QueryParameter): number {
  const { raw } = parameter;
  if (!/^\d{1,9}$/.test(raw)) throw wrong(parameter, `is a whole number from 0 up, not '${shown(raw)}'.`);
  const count = Number(raw);
  if (count > limits.pageSize) throw wrong(parameter, `is at most ${limits.pageSize} (limits.pageSize).`);
  return count;
}

function totalOf(parameter: QueryParameter): Total {
  const total = TOTALS.find((one) => one === parameter.raw);
  if (total === undefined) throw wrong(parameter, `is one of ${TOTALS.join(', ')}, not '${shown(parameter.raw)}'.`);
  return total;
}

const TOTALS: readonly Total[] = ['none', 'estimate', 'accurate'];

function sortOf(parameter: QueryParameter, search: Search, registry: SearchRegistry): Search['sort'] {
  const keys = parameter.raw.split(',', limits.sortKeys + 1);
  if (keys.length > limits.sortKeys) {
    const why = `_sort names at most ${limits.sortKeys} keys (limits.sortKeys).`;
    throw failure('too-costly', why, 'http._sort');
  }
  const order = keys.map((key) => ({ param: key.replace(/^-/, ''), descending: key.startsWith('-') }));
  for (const { param } of order) {
    const served = parameterOf(registry, search.types, param);
    if (served?.type === 'composite') {
      const why = `_sort cannot sort by '${shown(param)}': a composite has no one value. Sort by one of its parts.`;
      throw failure('not-supported', why, 'http._sort');
    }
    if (served === undefined) {
      const names = possibleNames(namesOf(registry, search.types), param);
      const why = `_sort cannot sort by '${shown(param)}': it is no served search parameter here. ${names}`;
      throw failure('not-supported', why, 'http._sort');
    }
  }
  if (new Set(order.map(({ param }) => param)).size < order.length) throw wrong(parameter, 'names a key twice.');
  return order;
}

function includeOf(parameter: QueryParameter, search: Search, registry: SearchRegistry): Include {
  const include = partsOf(parameter, registry);
  if (!include.iterate && !search.types.includes(include.source)) {
    const why = `follows references from ${include.source}, which this search does not find; add :iterate to its name`;
    throw wrong(parameter, `${why} to follow them from what else is included.`);
  }
  return include;
}

function revincludeOf(parameter: QueryParameter, search: Search, registry: SearchRegistry): Include {
  const include = partsOf(parameter, registry);
  if (!include.iterate && !include.targets.some((type) => search.types.includes(type))) {
    const why = `${include.source}:${include.param} refers to ${include.targets.slice(0, 10).join(', ')}`;
    throw wrong(parameter, `finds nothing: ${why}, which this search does not find.`);
  }
  return include;
}

/** `Type:parameter` or `Type:parameter:Target`. */
function partsOf(parameter: QueryParameter, registry: SearchRegistry): Include {
  const { name, key, raw, modifier } = parameter;
  if (modifier !== undefined && modifier !== 'iterate') throw unknownModifier(parameter, 'Possible is :iterate.');
  const [source = '', param = '', target, ...rest] = raw.split(':', 4);
  if (source === '*' || param === '*') {
    throw failure('not-supported', `The wildcard * of ${name} is not yet served; name one parameter.`, `http.${key}`);
  }
  if (param === '' || rest.length > 0) throw wrong(parameter, 'is written Type:parameter or Type:parameter:Target.');
  if (!registry.resourceTypes.includes(source)) {
    throw wrong(
      parameter,
      `names no resource type: '${shown(source)}'. ${possibleNames(registry.resourceTypes, source)}`,
    );
  }
  const served = registry.get(source, param);
  if (served?.type !== 'reference') {
    const references = registry.list(source).filter(({ type }) => type === 'reference');
    const names = possibleNames(
      references.map(({ code }) => code),
      param,
    );
    const why = `${key}=${shown(raw)}: ${source} has no served reference parameter '${shown(param)}'. ${names}`;
    throw failure('not-supported', why, `http.${key}`);
  }
  if (target !== undefined && !served.targets.includes(target)) {
    throw wrong(parameter, `never points at '${shown(target)}'. ${possibleNames(served.targets, target)}`);
  }
  const targets = target === undefined ? served.targets : [target];
  return { source, param, targets, iterate: modifier === 'iterate' };
}

function wrong({ key, raw, name }: QueryParameter, why: string): FhirError {
  const subject = name === '_include' || name === '_revinclude' ? `${key}=${shown(raw)}` : key;
  return failure('value', `${subject} ${why}`, `http.${shown(key)}`);
}

function unknownModifier({ name, key }: QueryParameter, possible: string): FhirError {
  return failure(
    'not-supported',
    `${shown(key)}: ${name} has no such modifier. ${possible}`.trim(),
    `http.${shown(key)}`,
  );
}
