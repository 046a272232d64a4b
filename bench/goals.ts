/** TABLE: the goals that the project has set itself, each with the figure that answers it. */
import type { Measured } from './measure.js';
import { costOf, find, type Checked, type Result, type StoreName } from './result.js';
import { rowOf } from './rows.js';

export interface Goal {
  meaning: string;
  store: StoreName;
  wanted: string;
  measured: string;
  met: boolean;
  /** What speaks against the figure. */
  remark: string;
}

interface Figure {
  value: number;
  from: (Measured | undefined)[];
}

interface Row {
  meaning: string;
  store: StoreName | 'both';
  unit: string;
  /** The figure may not pass this, or must reach it. */
  most?: number;
  least?: number;
  /** Undefined where the results have nothing to say about it. */
  figure: (results: Result[]) => Figure | undefined;
}

const cpu = (name: string) => (results: Result[]) => of(find(results[0], name), ({ cpu }) => cpu);
const rate =
  (name: string, connections = 16) =>
  (results: Result[]) =>
    of(find(results[0], name, connections), ({ rate }) => rate);
const imported = (results: Result[]) =>
  of(find(results[0], 'import'), ({ rate }) => rate * (rowOf('import').resources ?? 1));
const grown = (names: string[]) => (results: Result[]) => {
  const [small, large] = results;
  if (small === undefined || large === undefined) return undefined;
  const from = names.flatMap((name) => [find(small, name), find(large, name)]);
  return { value: Math.max(...names.map((name) => costOf(find(large, name)) / costOf(find(small, name)))), from };
};

const over = (name: string, base: string) => (results: Result[]) => {
  const from = [find(results[0], name), find(results[0], base)];
  return from.includes(undefined) ? undefined : { value: costOf(from[0]) / costOf(from[1]), from };
};
const adds =
  (kind: string) =>
  ([result]: Result[]): Figure | undefined => {
    const found = result?.audited?.find(({ name }) => name === kind);
    return found && { value: found.on - found.off, from: [] };
  };

/** Undefined for results from before the checks were measured. */
const checked =
  (figure: (checks: readonly Checked[]) => number) =>
  ([result]: Result[]): Figure | undefined =>
    result?.checks === undefined ? undefined : { value: figure(result.checks), from: [] };
const NOTHING: Checked = { name: '', bytes: 0, structure: NaN, validated: NaN, answers: NaN, firstMs: NaN };

/** Of the results of one store, the smallest size comes first. */
const table: readonly Row[] = [
  { meaning: 'CPU of a read', store: 'sqlite', unit: 'µs', most: 80, figure: cpu('read') },
  { meaning: 'CPU of a create', store: 'sqlite', unit: 'µs', most: 450, figure: cpu('create') },
  { meaning: 'CPU of a create with all checks on', store: 'sqlite', unit: 'µs', most: 550, figure: cpu('create') },
  {
    meaning: 'structure of the response of a create',
    store: 'sqlite',
    unit: 'µs',
    most: 15,
    figure: checked(([{ structure } = NOTHING]) => structure),
  },
  {
    meaning: 'structure, invariants and answers of it',
    store: 'sqlite',
    unit: 'µs',
    most: 200,
    figure: checked(([{ validated, answers } = NOTHING]) => validated + answers),
  },
  {
    meaning: 'the same of any response that is measured',
    store: 'sqlite',
    unit: 'µs',
    most: 200,
    figure: checked((all) => Math.max(...all.map(({ validated, answers }) => validated + answers))),
  },
  {
    meaning: 'first use of a type',
    store: 'sqlite',
    unit: 'ms',
    most: 150,
    figure: checked((all) => Math.max(...all.map(({ firstMs }) => firstMs))),
  },
  { meaning: 'CPU of a search by patient', store: 'sqlite', unit: 'µs', most: 350, figure: cpu('search-patient') },
  { meaning: 'reads at 16', store: 'mongodb', unit: '/s', least: 6000, figure: rate('read') },
  { meaning: 'creates at 16', store: 'mongodb', unit: '/s', least: 1800, figure: rate('create') },
  { meaning: 'searches by patient at 16', store: 'mongodb', unit: '/s', least: 2500, figure: rate('search-patient') },
  { meaning: 'CPU of a transaction of 5', store: 'sqlite', unit: 'µs', most: 1300, figure: cpu('transaction') },
  { meaning: 'import, indexed resources', store: 'sqlite', unit: '/s', least: 3000, figure: imported },
  { meaning: 'import, indexed resources', store: 'mongodb', unit: '/s', least: 4000, figure: imported },
  { meaning: 'creates at 64', store: 'sqlite', unit: '/s', least: 1500, figure: rate('create', 64) },
  {
    meaning: 'creates at 64 over those at 16',
    store: 'sqlite',
    unit: '×',
    least: 1,
    figure: ([result]) => {
      const from = [find(result, 'create', 64), find(result, 'create', 16)];
      return { value: (from[0]?.rate ?? NaN) / (from[1]?.rate ?? NaN), from };
    },
  },
  {
    meaning: 'CPU of a bearer check: a read with a token, AUDIT=off, less one without',
    store: 'sqlite',
    unit: 'µs',
    most: 30,
    figure: ([result]) => {
      const from = [find(result, 'read-token-unaudited'), find(result, 'read')];
      const [asked, plain] = from;
      return asked && plain && { value: Math.max(0, asked.cpu - plain.cpu), from };
    },
  },
  { meaning: 'CPU of discovery', store: 'sqlite', unit: 'µs', most: 50, figure: cpu('discovery') },
  {
    meaning: 'CPU of a search with a token, AUDIT=off, over one without authorization',
    store: 'both',
    unit: '×',
    most: 1.25,
    figure: over('search-patient-token-unaudited', 'search-patient'),
  },
  {
    meaning: "CPU of a search within a patient's reach, AUDIT=off, over one without authorization",
    store: 'both',
    unit: '×',
    most: 1.25,
    figure: over('search-patient-own-unaudited', 'search-patient'),
  },
  {
    meaning: 'CPU of a search by patient of opened cases over one of own cases',
    store: 'both',
    unit: '×',
    most: 1.3,
    figure: over('search-patient-opened', 'search-patient-token-unaudited'),
  },
  {
    meaning: 'CPU of a search of an opened case of 50 over an own one, in the store alone',
    store: 'both',
    unit: '×',
    most: 1.3,
    figure: ([result]) => {
      const [own, opened] = ['own, nothing shared', 'opened'].map((row) =>
        result?.opened?.find((one) => one.group === 'case of 50' && one.row === row),
      );
      return own && opened && { value: opened.cost / own.cost, from: [] };
    },
  },
  { meaning: 'CPU that a record adds to a read', store: 'both', unit: 'µs', most: 60, figure: adds('read') },
  { meaning: 'CPU that a record adds to a write', store: 'both', unit: 'µs', most: 80, figure: adds('create') },
  {
    meaning: 'growth of reads and pages to the larger size',
    store: 'both',
    unit: '×',
    most: 1.3,
    figure: grown(['read', 'search-patient', 'search-token', 'search-date', 'include']),
  },
  {
    meaning: 'growth of writes to the larger size',
    store: 'both',
    unit: '×',
    most: 1.6,
    figure: grown(['update', 'create']),
  },
  {
    meaning: 'p99 of reads beside a write of 5 MB, or a Bundle of 2 MB a second, over that without',
    store: 'both',
    unit: '×',
    most: 4,
    figure: ([result]) => {
      const [alone, ...beside] = result?.beside.map(({ reads }) => reads) ?? [];
      if (alone === undefined) return undefined;
      return { value: Math.max(...beside.map(({ p99 }) => p99)) / alone.p99, from: [alone, ...beside] };
    },
  },
  {
    meaning: 'start to ready',
    store: 'both',
    unit: 'ms',
    most: 2000,
    figure: (results) => ({ value: Math.max(...results.map(({ start }) => start.readyMs)), from: [] }),
  },
  {
    meaning: 'idle memory',
    store: 'both',
    unit: 'MiB',
    most: 200,
    figure: (results) => ({ value: Math.max(...results.map(({ start }) => start.idleRss)) / 1_048_576, from: [] }),
  },
];

export function goals(results: Result[]): Goal[] {
  return (['sqlite', 'mongodb'] as const).flatMap((store) => {
    const own = results.filter((result) => result.store === store);
    if (own.length === 0) return [];
    return table.flatMap(({ meaning, store: whose, unit, most, least, figure }) => {
      const found = whose === 'both' || whose === store ? figure(own) : undefined;
      if (found === undefined) return [];
      const { value, from } = found;
      const doubts = new Set(from.flatMap((row) => (row?.void.length ? ['void'] : row?.noisy ? ['noisy'] : [])));
      return [
        {
          meaning,
          store,
          wanted: `${most === undefined ? '≥' : '≤'} ${most ?? least ?? 0} ${unit}`,
          measured: `${value < 10 ? value.toFixed(2) : Math.round(value)} ${unit}`,
          met: value <= (most ?? Infinity) && value >= (least ?? -Infinity) && !doubts.has('void'),
          remark: [...doubts].join(),
        },
      ];
    });
  });
}

const of = (row: Measured | undefined, value: (row: Measured) => number): Figure | undefined =>
  row === undefined ? undefined : { value: value(row), from: [row] };
