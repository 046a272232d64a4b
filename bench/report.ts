/** `docs/performance.md`: tables of the newest complete results, beside their floors and the goals. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { goals, type Goal } from './goals.js';
import { costOf, find, newest, type Result } from './result.js';
import { rowOf, type RowName } from './rows.js';
import { auditTable, checksTable, openedTable, remarks, table } from './table.js';

const FILE = 'docs/performance.md';

export async function report(): Promise<string> {
  const results = newest();
  if (results.length === 0) throw new Error('There is no complete result in bench/results; run the bench first.');
  const text = [
    '# Performance',
    INTRODUCTION,
    '## Goals',
    goalTable(goals(results)),
    ...results.map(section),
    ...growth(results),
    readFileSync(new URL('profile.md', import.meta.url), 'utf8').trim(),
    `_Made by \`npm run bench -- --report\` from ${
      results
        .map(({ at }) => at)
        .sort()
        .at(-1) ?? ''
    } and before._`,
  ].join('\n\n');
  mkdirSync(new URL('../docs/', import.meta.url), { recursive: true });
  writeFileSync(
    new URL(`../${FILE}`, import.meta.url),
    await format(text, { parser: 'markdown', printWidth: 120, proseWrap: 'always' }),
  );
  return FILE;
}

const INTRODUCTION = `Measured by \`npm run bench\` (see [\`bench/README.md\`](../bench/README.md)): the built server as it is
shipped, with all checks and its log; generator, server and mongod share the same cores. CPU is user and system time of
all threads of a process, divided by requests; compare machines by it rather than by rates. Floors were measured in the
same run: a server on bare node:http and one on Express that send the same bytes, and the bare driver (or
better-sqlite3) doing the same work on a schema of its own, as durable as ours. Every row was answered by 2xx alone, and
its rate times its mean latency is the number of its connections, within 10 %; a row for which that is not so says VOID.
_noisy_: others took more than 0.15 cores meanwhile. Goals are judged at the smaller size; growth is one of them. What
the time is spent on: [\`profiles.md\`](profiles.md).`;

const goalTable = (list: Goal[]): string =>
  table(
    ['goal', 'store', 'wanted', 'measured', ''],
    list.map(({ meaning, store, wanted, measured, met, remark }) => [
      meaning,
      store,
      wanted,
      measured,
      `${met ? 'met' : '**not met**'}${remark === '' ? '' : ` (${remark})`}`,
    ]),
  );

function section(result: Result): string {
  const { store, size, machine, disk, filled, storedBytes, start, at } = result;
  const server = result.rows.filter(({ by }) => by === 'server');
  const names = [...new Set(server.map(({ row }) => row))];
  const megabytes = (bytes: number) => `${Math.round(bytes / 1_048_576)} MB`;
  return [
    `## ${store === 'sqlite' ? 'SQLite' : 'MongoDB'}, ${size.toLocaleString('en')} resources`,
    `${at.slice(0, 10)}. ${machine.cpu}, ${machine.cores} cores, ${Math.round(machine.memoryBytes / 2 ** 30)} GiB, Linux
${machine.kernel}; Node ${machine.node}, ${machine.mongod === undefined ? `SQLite ${machine.sqlite}` : `mongod ${machine.mongod}, one node`}.
The disk makes ${disk.perSecond} writes of 8 KB durable in a second, one after the other (p99 ${disk.p99} ms);
parsing and writing a 4.7 KB response as JSON takes ${machine.jsonUs} µs.`,
    `Filled with ${Math.round(filled.resources / filled.seconds)} resources/s in process. On disk ${megabytes(storedBytes)}, as
JSON ${megabytes(filled.jsonBytes)}. Start to ready ${start.readyMs} ms, idle ${megabytes(start.idleRss)} of memory.`,
    table(
      ['row', 'conn.', 'req/s', 'p50 ms', 'p99 ms', 'CPU µs', ...(store === 'mongodb' ? ['mongod µs'] : []), 'RSS', ''],
      server.map((row) => [
        row.row,
        row.connections,
        Math.round(row.rate).toLocaleString('en'),
        row.p50.toFixed(2),
        row.p99.toFixed(2),
        Math.round(row.cpu),
        ...(store === 'mongodb' ? [Math.round(row.mongodCpu ?? 0)] : []),
        megabytes(row.rss),
        remarks(row),
      ]),
    ),
    names.map((name) => `- _${name}_: ${rowOf(name as RowName).meaning}`).join('\n'),
    ...(result.checks === undefined
      ? []
      : ['What the checks of a write cost by themselves, warm, and the first time:', checksTable(result.checks)]),
    ...(result.audited === undefined
      ? []
      : [
          `What records of the audit trail cost, 16 requests at once; server and client in one process with and without them in
turns, CPU of both${store === 'mongodb' ? ' and of mongod' : ''}:`,
          auditTable(result.audited),
        ]),
    ...(result.opened === undefined
      ? []
      : [
          `What sharing costs a search, asked of the store alone, one after the other; an organization with 200 cases to which
another one has opened 1,000, in turns:`,
          openedTable(result.opened),
        ]),
    'Beside the floors, CPU µs a request at 16 connections (mongod included where there is one):',
    floorTable(result),
    'Reads at 16 connections beside one client that writes 5 MB, again as soon as it is answered, or a Bundle of 2 MB a second:',
    table(
      ['beside', 'writes/s', 'reads/s', 'p50 ms', 'p99 ms', 'longest ms', ''],
      result.beside.map(({ writer, reads, writesPerSecond }) => [
        writer,
        writesPerSecond ?? '',
        Math.round(reads.rate).toLocaleString('en'),
        reads.p50.toFixed(2),
        reads.p99.toFixed(2),
        reads.most.toFixed(1),
        remarks(reads),
      ]),
    ),
  ].join('\n\n');
}

/** The floor of a search is that of a read as to HTTP: a GET that is answered with text. */
function floorTable(result: Result): string {
  const names = [...new Set(result.rows.filter(({ by }) => by === 'server').map(({ row }) => row))] as RowName[];
  return table(
    ['row', 'server', 'node:http', 'Express', 'bare store', 'server ÷ (node:http + store)'],
    names.flatMap((name) => {
      const { floor } = rowOf(name);
      if (floor === undefined) return [];
      const http = floor === 'create' ? 'create' : 'read';
      const bare = find(result, floor, 16, 'bare store') ?? find(result, floor, 1, 'bare store');
      const floors = [find(result, http, 16, 'node:http'), find(result, http, 16, 'Express'), bare].map(costOf);
      const server = costOf(find(result, name));
      const [node = NaN, , store = NaN] = floors;
      return [
        [name, ...[server, ...floors].map((cost) => Math.round(cost)), `× ${(server / (node + store)).toFixed(1)}`],
      ];
    }),
  );
}

/** Where a store was measured at two sizes. */
function growth(results: Result[]): string[] {
  const lines = (['sqlite', 'mongodb'] as const).flatMap((store) => {
    const [small, large] = results.filter((result) => result.store === store);
    if (small === undefined || large === undefined) return [];
    return small.rows
      .filter(({ by, connections }) => by === 'server' && connections === 16)
      .map((row) => {
        const before = costOf(row);
        const after = costOf(find(large, row.row));
        return [store, row.row, Math.round(before), Math.round(after), `× ${(after / before).toFixed(2)}`];
      });
  });
  if (lines.length === 0) return [];
  const title = '## Growth';
  const text = 'CPU µs a request at 16 connections (with mongod), in the smaller and in the larger store:';
  return [title, text, table(['store', 'row', 'smaller', 'larger', 'growth'], lines)];
}
