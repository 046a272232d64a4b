/**
 * What the checks of a write cost, in CPU µs of this process: structure, invariants, and answers against their
 * questionnaire; warm, and the first time that a type is met. `npx tsx bench/checks.ts`, on a machine with nothing else to do.
 */
import { readFileSync } from 'node:fs';
import { loadDefinitions } from '../src/fhir/definitions.js';
import type { Resource } from '../src/fhir/types.js';
import { createResponseCheck, type Lookup } from '../src/validate/response.js';
import { createStructure } from '../src/validate/structure.js';
import { createValidator } from '../src/validate/validator.js';
import { table } from './table.js';

const ROUNDS = 40;
const TIMES = 200;

interface Example {
  verdict: string;
  response: Resource;
}

const json = (path: string): unknown => JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8'));
const exampleOf = (form: string): Resource => {
  const found = (json(`questionnaires/examples/${form}.json`) as Example[]).find(
    ({ verdict }) => verdict === 'accepted',
  );
  if (found === undefined) throw new Error(`${form} has no example that is accepted.`);
  return found.response;
};

const cpu = (): number => {
  const { system, user } = process.cpuUsage();
  return user + system;
};

/** CPU µs of one call: the least of many rounds, as others may have disturbed the rest. */
async function costOf(work: () => unknown): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const began = cpu();
    for (let time = 0; time < TIMES; time += 1) await work();
    rounds.push((cpu() - began) / TIMES);
  }
  return Math.min(...rounds);
}

const definitions = loadDefinitions();

async function row(form: string): Promise<(string | number)[]> {
  const response = exampleOf(form);
  const text = readFileSync(new URL(`../questionnaires/${form}.json`, import.meta.url), 'utf8');
  const lookup: Lookup = {
    reach: '',
    beside: () => undefined,
    find: (type) =>
      Promise.resolve(type === 'Questionnaire' ? [{ name: `Questionnaire/${form}`, updated: 0, text }] : []),
    read: () => Promise.resolve(undefined),
  };
  const structure = createStructure(definitions);
  const validator = createValidator(definitions);
  const began = cpu();
  validator.validate(response);
  const first = cpu() - began;
  const answers = createResponseCheck({ definitions, base: 'http://127.0.0.1/fhir', required: false });
  const costs = [
    await costOf(() => structure(response)),
    await costOf(() => validator.validate(response)),
    await costOf(() => answers.check(response, lookup)),
  ] as const;
  const [alone, checked, rules] = costs.map(Math.round) as [number, number, number];
  return [
    form,
    JSON.stringify(response).length,
    alone,
    checked - alone,
    rules,
    checked + rules,
    Math.round(first / 1000),
  ];
}

const rows: (string | number)[][] = [];
for (const form of ['skin-lesion', 'phq-9', 'migraine']) rows.push(await row(form));
console.log(
  table(['response to', 'bytes', 'structure µs', 'invariants µs', 'answers µs', 'all µs', 'first time ms'], rows),
);
process.exit(0);
