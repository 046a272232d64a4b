/** R4's invariants, narratives, contained resources, Bundles and extensions: rows of test/cases, through HTTP, on both stores. */
import { readFileSync } from 'node:fs';
import { loadDefinitions } from '../../src/fhir/definitions.js';
import { ask, describeServer } from '../support/server.js';

interface Row {
  rule: string;
  resource: { resourceType: string };
  /** Absent where the resource is good. */
  at?: string;
  says?: string;
  /** `error` where it is not said. */
  severity?: 'warning';
  /** 400 where it is not said; 422 where the lint of a form says it too. */
  status?: 422;
}

const rows = JSON.parse(readFileSync('test/cases/invariants.json', 'utf8')) as Row[];
/** For each rule two resources, as texts: one that breaks it, and one that is like it and keeps it. */
interface Pair {
  rule: string;
  at: string;
  severity?: 'warning';
  wrong: string;
  good: string;
}

/** Requests on their way together. */
const AT_ONCE = 16;

const pairs = JSON.parse(readFileSync('test/cases/invariant-pairs.json', 'utf8')) as Pair[];

/** TABLE: rule -> why there is no pair. */
const withoutPair: Readonly<Record<string, string>> = {
  'cid-0': 'It is about a name, and a ChargeItemDefinition has none',
  'ele-1': 'The structure has it: rows of structure.json',
  'eld-11': 'It asks whether a comparison has an answer, which it always has where there is a type',
  'ext-1': 'The structure has it: rows of structure.json',
  'tst-4': 'Both elements, one of which it asks for, are required anyway',
};

test('every invariant of R4 has a pair, or a reason', () => {
  const keys = new Set([...loadDefinitions().invariants.values()].flat().map(({ key }) => key));
  const covered = new Set(pairs.map(({ rule }) => rule));
  expect([...keys].filter((key) => !covered.has(key)).sort()).toEqual(Object.keys(withoutPair).sort());
});

const good = rows.filter(({ at }) => at === undefined);
const wrong = rows.filter(({ at, severity }) => at !== undefined && severity === undefined);
const doubtful = rows.filter(({ severity }) => severity === 'warning');

describeServer('invariants', (server) => {
  const create = (resource: Row['resource']) =>
    ask(`${server.base}/${resource.resourceType}`, {
      method: 'POST',
      headers: { Prefer: 'return=OperationOutcome', 'Content-Type': 'application/fhir+json' },
      body: JSON.stringify(resource),
    });
  const found = (body: any) =>
    body.issue
      .filter(({ severity }: any) => severity !== 'information')
      .map(({ severity, diagnostics, expression }: any) => ({ severity, diagnostics, at: expression?.[0] }));
  /** Those of a Questionnaire are told with their code by the lint. */
  const of = (rule: string, { diagnostics = '', details }: any): boolean =>
    [diagnostics.includes(`(${rule})`), details?.coding?.[0]?.code === rule].includes(true);

  test.each(good)('$rule passes', async ({ resource }) => {
    const { status, body } = await create(resource);
    expect([status, found(body).filter(({ severity }: any) => severity === 'error')]).toEqual([201, []]);
  });

  test.each(wrong)('$rule is refused', async ({ resource, at, says, status: due = 400 }) => {
    const { status, body } = await create(resource);
    expect(status).toBe(due);
    expect(found(body)).toContainEqual({ severity: 'error', at, diagnostics: expect.stringContaining(says!) });
  });

  test.each(doubtful)('$rule is told, and stored', async ({ resource, at, says }) => {
    const { status, body } = await create(resource);
    expect(status).toBe(201);
    expect(found(body)).toContainEqual({ severity: 'warning', at, diagnostics: expect.stringContaining(says!) });
  });

  test('pairs: what breaks a rule is told so, and its twin has no errors and nothing of that rule', async () => {
    const validated = async (text: string) => {
      const url = `${server.base}/${JSON.parse(text).resourceType}/$validate`;
      const headers = { 'Content-Type': 'application/fhir+json' };
      const { status, body } = await ask(url, { method: 'POST', headers, body: text });
      const doubts = (body.issue as any[]).filter(({ severity }) => severity !== 'information');
      return status === 200 ? doubts : [{ severity: `status ${status}` }];
    };
    const told: object[] = [];
    for (let from = 0; from < pairs.length; from += AT_ONCE) {
      const asked = pairs.slice(from, from + AT_ONCE).map(async ({ rule, at, wrong, good }) => {
        const [broken, kept] = [await validated(wrong), await validated(good)];
        const own = broken.find((one: any) => one.expression?.[0] === at && of(rule, one));
        const others = kept.filter((one: any) => one.severity !== 'warning' || of(rule, one));
        return { rule, at, severity: own?.severity, others };
      });
      told.push(...(await Promise.all(asked)));
    }
    expect(told).toEqual(pairs.map(({ rule, at, severity = 'error' }) => ({ rule, at, severity, others: [] })));
  });
});
