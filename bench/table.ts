/** Tables in Markdown. */
import type { Measured } from './measure.js';
import type { Audited, Checked, Opened } from './result.js';

type Cell = string | number;

const COLUMNS: readonly [string, (row: Measured) => Cell][] = [
  ['row', ({ row }) => row],
  ['by', ({ by }) => by],
  ['conn', ({ connections }) => connections],
  ['req/s', ({ rate }) => Math.round(rate)],
  ['p50 ms', ({ p50 }) => p50.toFixed(2)],
  ['p99 ms', ({ p99 }) => p99.toFixed(2)],
  ['CPU µs', ({ cpu }) => Math.round(cpu)],
  ['mongod µs', ({ mongodCpu }) => (mongodCpu === undefined ? '' : Math.round(mongodCpu))],
  ['generator µs', ({ generatorCpu }) => Math.round(generatorCpu)],
  ['RSS MB', ({ rss }) => Math.round(rss / 1_048_576)],
  ['body B', ({ bytes }) => bytes],
  ['matches', ({ matches }) => matches?.join('–') ?? ''],
  ['Little', ({ little }) => little.toFixed(2)],
  ['foreign', ({ foreign }) => foreign.toFixed(2)],
  ['', (row) => remarks(row)],
];

/** What speaks against a row. */
export const remarks = (row: Measured): string =>
  [...row.void.map((fault) => `VOID: ${fault}`), ...(row.noisy ? ['noisy'] : [])].join('; ');

export const head = (): string =>
  headOf(
    COLUMNS.map(([title]) => title),
    COLUMNS.map(([title]) => title === 'row' || title === 'by' || title === ''),
  );
export const line = (row: Measured): string => lineOf(COLUMNS.map(([, cell]) => cell(row)));

export const checksTable = (checks: readonly Checked[]): string =>
  table(
    ['checked', 'bytes', 'structure µs', 'invariants µs', 'answers µs', 'all µs', 'first time ms'],
    checks.map(({ name, bytes, structure, validated, answers, firstMs }) => [
      name,
      bytes,
      ...[structure, validated - structure, answers, validated + answers, firstMs].map((figure) => figure.toFixed(1)),
    ]),
  );

export const auditTable = (audited: readonly Audited[]): string =>
  table(
    ['asked', 'AUDIT=off µs', 'on µs', 'adds µs'],
    audited.map(({ name, off, on }) => [name, ...[off, on, on - off].map(Math.round)]),
  );

export const openedTable = (opened: readonly Opened[]): string =>
  table(
    ['search', 'of what', 'CPU µs', 'time µs', 'CPU', 'time'],
    opened.map(({ group, row, cost, wall }) => {
      const base = opened.find((one) => one.group === group);
      const times = [cost / (base?.cost ?? NaN), wall / (base?.wall ?? NaN)].map((ratio) => `× ${ratio.toFixed(2)}`);
      return [group, row, Math.round(cost), Math.round(wall), ...times];
    }),
  );

/** Columns of figures stand to the right. */
export const table = (titles: string[], lines: Cell[][]): string => {
  const words = titles.map((_title, at) => lines.some((cells) => /^[^0-9]*[a-z]/i.test(String(cells[at] ?? ''))));
  return [headOf(titles, words), ...lines.map(lineOf)].join('\n');
};

const headOf = (titles: string[], words: boolean[]): string =>
  `${lineOf(titles)}\n${lineOf(words.map((left) => (left ? '---' : '--:')))}`;
const lineOf = (cells: Cell[]): string => `| ${cells.join(' | ')} |`;
