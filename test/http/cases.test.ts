/**
 * R4's rules of transactions and of conditional interactions, row by row (`test/cases/http/`), on both stores. A row is
 * a story of requests; each says what must come of it. `{row}` is a text that no other row has, `{made.id}` what the
 * answer that was called `made` has at `id`, and texts that begin with `~` are patterns.
 */
import { readFileSync } from 'node:fs';
import { ask, describeServer, type TestServer } from '../support/server.js';

interface Step {
  /** Method and path below the base; the base itself where there is none. */
  ask: string;
  headers?: Record<string, string>;
  body?: unknown;
  /** What the answer is called by later steps. */
  as?: string;
  status: number;
  /** What the body has, among others; null: is not there. A list has as many elements as here. */
  has?: unknown;
  sends?: Record<string, string>;
}

interface Row {
  section: string;
  steps: Step[];
}

/** TABLE: file -> settings of the server that its rows are about. */
const files: Record<string, Record<string, string>> = {
  transaction: {},
  batch: {},
  conditional: {},
  patch: {},
  demanding: {
    REQUIRE_IF_MATCH: 'true',
    CONDITIONAL_DELETE: 'multiple',
    REFERENTIAL_INTEGRITY: 'enforce',
  },
};

const rowsOf = (file: string): Row[] =>
  JSON.parse(readFileSync(new URL(`../cases/http/${file}.json`, import.meta.url), 'utf8')) as Row[];

const settings = [...new Set(Object.values(files).map((one) => JSON.stringify(one)))];
for (const set of settings) {
  const rows = Object.keys(files).filter((file) => JSON.stringify(files[file]) === set);
  describeServer(
    `the rules of ${rows.join(', ')}`,
    (server) => test.each(rows.flatMap(rowsOf))('$section', ({ steps }) => play(server, steps)),
    {},
    JSON.parse(set) as Record<string, string>,
  );
}

let rows = 0;

async function play(server: TestServer, steps: Step[]): Promise<void> {
  rows += 1;
  const known: Record<string, unknown> = { row: `row-${rows}`, base: server.base };
  for (const [at, written] of steps.entries()) {
    const step = JSON.parse(JSON.stringify(written).replace(/\{([a-z]+(?:\.\w+)*)\}/g, (_, path) => text(known, path)));
    const { ask: what, headers, body, status, has, sends = {}, as: name } = step as Step;
    const [method = '', path = ''] = what.split(/ (.*)/);
    const answer = await ask(`${server.base}/${path}`, { method, headers, body });
    const wrong = [
      ...differences(answer.status, status, 'status'),
      ...(has === undefined ? [] : differences(answer.body, has, 'body')),
      ...Object.entries(sends).flatMap(([header, value]) => differences(answer.headers.get(header), value, header)),
    ];
    if (wrong.length > 0) wrong.push(answer.text.slice(0, 2000));
    expect({ step: `${at}: ${what}`, wrong }).toEqual({ step: `${at}: ${what}`, wrong: [] });
    if (name !== undefined) known[name] = answer.body;
  }
}

/** The text at the end of a path such as `made.entry.0.resource.id`; it must be there. */
function text(known: Record<string, unknown>, path: string): string {
  let value: any = known;
  for (const name of path.split('.')) value = value?.[name];
  if (typeof value !== 'string') throw new Error(`{${path}} is not known`);
  return value;
}

/** What is not as expected, with its place. */
function differences(found: any, expected: unknown, at: string): string[] {
  if (Array.isArray(expected) && Array.isArray(found) && expected.length === found.length)
    return expected.flatMap((one, index) => differences(found[index], one, `${at}[${index}]`));
  if (typeof expected === 'object' && !Array.isArray(expected) && expected !== null && typeof found === 'object')
    return Object.entries(expected).flatMap(([name, one]) => differences(found?.[name], one, `${at}.${name}`));
  const same =
    typeof expected === 'string' && expected.startsWith('~')
      ? typeof found === 'string' && new RegExp(expected.slice(1)).test(found)
      : found === (expected ?? undefined);
  return same ? [] : [`${at} is ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`];
}
