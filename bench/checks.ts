/**
 * What the checks of a write cost, in CPU µs of this process: structure, invariants, and answers against their
 * questionnaire; warm, and the first time that a type is met. A part of the bench, as a process of its own; alone by
 * `npx tsx bench/checks.ts`, on a machine with nothing else to do.
 */
import { readFileSync } from 'node:fs';
import { loadDefinitions } from '../src/fhir/definitions.js';
import type { Resource } from '../src/fhir/types.js';
import { createResponseCheck, type Lookup } from '../src/validate/response.js';
import { createStructure } from '../src/validate/structure.js';
import { createValidator } from '../src/validate/validator.js';
import { randomOf, responseOf } from './data.js';
import type { Checked } from './result.js';
import { checksTable } from './table.js';
import { work } from './worker.js';

const ROUNDS = 40;
const TIMES = 200;

interface Example {
  verdict: string;
  response: Resource;
}

const json = (path: string): unknown => JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8'));

/** The example of a shipped form that answers most of it. */
const exampleOf = (form: string): Resource => {
  const found = (json(`questionnaires/examples/${form}.json`) as Example[])
    .filter(({ verdict }) => verdict === 'accepted')
    .sort((one, other) => JSON.stringify(other.response).length - JSON.stringify(one.response).length);
  if (found[0] === undefined) throw new Error(`${form} has no example that is accepted.`);
  return found[0].response;
};

/** TABLE: what is checked -> by which form. The first is what the rows `create` and `update` send. */
const SUBJECTS: readonly [name: string, form: string, response: () => Resource][] = [
  ['the response of create', 'skin-lesion', () => responseOf(randomOf(1), 'Patient/1', 'bench') as Resource],
  ...['skin-lesion', 'phq-9', 'migraine', 'audit'].map((form): (typeof SUBJECTS)[number] => [
    form,
    form,
    () => exampleOf(form),
  ]),
];

const cpu = (): number => {
  const { system, user } = process.cpuUsage();
  return user + system;
};

/** CPU µs of one call: the least of many rounds, as others may have disturbed the rest. */
async function costOf(call: () => unknown): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const began = cpu();
    for (let time = 0; time < TIMES; time += 1) await call();
    rounds.push((cpu() - began) / TIMES);
  }
  return Math.min(...rounds);
}

async function measure([name, form, responseFor]: (typeof SUBJECTS)[number]): Promise<Checked> {
  const definitions = loadDefinitions();
  const response = responseFor();
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
  const answers = createResponseCheck({ definitions, base: 'http://127.0.0.1/fhir', required: false });
  const began = cpu();
  validator.validate(response);
  const first = cpu() - began;
  const said = await answers.check(response, lookup);
  if (said.some(({ severity }) => severity !== 'information')) throw new Error(`${name}: ${JSON.stringify(said)}`);
  return {
    name,
    bytes: JSON.stringify(response).length,
    structure: await costOf(() => structure(response)),
    validated: await costOf(() => validator.validate(response)),
    answers: await costOf(() => answers.check(response, lookup)),
    firstMs: first / 1000,
  };
}

async function all(): Promise<Checked[]> {
  const found: Checked[] = [];
  for (const subject of SUBJECTS) found.push(await measure(subject));
  return found;
}

if (process.send === undefined) console.log(checksTable(await all()));
else {
  work((_job, measuring) => {
    measuring();
    return all();
  });
}
