/**
 * npm run bench: measures the built server beside its floors, prints tables, and keeps them in `bench/results/`.
 * `--report` makes `docs/performance.md` of the newest complete results instead.
 */
import { parseArgs } from 'node:util';
import type { Measured } from './measure.js';
import { report } from './report.js';
import { keep, type StoreName } from './result.js';
import { rows, type RowName } from './rows.js';
import { run } from './run.js';
import { head, line } from './table.js';

/** Rows that only read come first: they find the store as it was filled. */
const ROWS: readonly RowName[] = [
  'read',
  'search-patient',
  'search-token',
  'search-date',
  'include',
  'update',
  'create',
  'transaction',
  'import',
  'read-token-unaudited',
  'search-patient-token-unaudited',
  'search-patient-own-unaudited',
  'search-patient-opened',
  'read-token',
  'search-patient-token',
  'search-patient-own',
  'discovery',
];
const STORES: readonly StoreName[] = ['sqlite', 'mongodb'];
const CONNECTIONS = [1, 16, 64];

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '10k' },
    store: { type: 'string', default: STORES.join() },
    rows: { type: 'string', default: ROWS.join() },
    connections: { type: 'string', default: CONNECTIONS.join() },
    seconds: { type: 'string', default: '5' },
    heat: { type: 'string', default: '5' },
    attempts: { type: 'string', default: '1' },
    only: { type: 'string', default: 'rows,floors,beside,apart' },
    'mongodb-url': { type: 'string' },
    report: { type: 'boolean', default: false },
  },
});

if (values.report) {
  console.log(`written: ${await report()}`);
} else {
  const parts = listOf('only', values.only, ['rows', 'floors', 'beside', 'apart']);
  const wanted = listOf('rows', values.rows, Object.keys(rows) as RowName[]);
  const connections = values.connections.split(',').map((text) => numberOf('connections', text));
  const sizes = values.size.split(',').map(sizeOf);
  for (const size of sizes) {
    // What does not depend on the size is measured once.
    const some = parts.filter((part) => part !== 'apart' || size === Math.min(...sizes));
    for (const store of listOf('store', values.store, STORES)) await bench(store, size, some, wanted, connections);
  }
}

async function bench(store: StoreName, size: number, parts: string[], wanted: RowName[], connections: number[]) {
  console.log(`\n## ${store}, ${size} resources\n`);
  let printed = false;
  const result = await run({
    store,
    size,
    rows: ROWS.concat(wanted).filter((row, at, all) => wanted.includes(row) && all.indexOf(row) === at),
    connections,
    seconds: numberOf('seconds', values.seconds),
    attempts: numberOf('attempts', values.attempts),
    heat: numberOf('heat', values.heat),
    server: parts.includes('rows'),
    floors: parts.includes('floors'),
    beside: parts.includes('beside'),
    apart: parts.includes('apart'),
    complete:
      ['rows', 'floors', 'beside'].every((part) => parts.includes(part)) &&
      ROWS.every((row) => wanted.includes(row)) &&
      CONNECTIONS.every((count) => connections.includes(count)),
    mongodbUrl: values['mongodb-url'],
    say: (text) => console.log(`- ${text}`),
    row: (measured: Measured) => {
      if (!printed) console.log(`\n${head()}`);
      printed = true;
      console.log(line(measured));
    },
  });
  console.log(`\nkept: ${keep(result)}`);
}

function listOf<const Name extends string>(option: string, text: string, known: readonly Name[]): Name[] {
  return text.split(',').map((name) => {
    const found = known.find((one) => one === name);
    if (found === undefined) throw new Error(`--${option}: "${name}" is none of ${known.join(', ')}.`);
    return found;
  });
}

function numberOf(option: string, text: string): number {
  const number = Number(text);
  if (number > 0) return number;
  throw new Error(`--${option}: "${text}" is not a number above 0.`);
}

/** `10k`, `0.5k` or `10000`. */
function sizeOf(text: string): number {
  return text.endsWith('k') ? numberOf('size', text.slice(0, -1)) * 1000 : numberOf('size', text);
}
