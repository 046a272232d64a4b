/** R4's invariants, narratives, contained resources, Bundles and extensions: rows of test/cases, through HTTP, on both stores. */
import { readFileSync } from 'node:fs';
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
});
