/**
 * R4's rules of PATCH, row by row (`test/cases/patch/`): JSON Patch (RFC 6902 and http.html#patch) and FHIRPath Patch
 * (fhirpatch.html), through HTTP on both stores. What is refused leaves the resource as it was, to the byte.
 */
import { parseJson } from '../../src/kit/json.js';
import { canonical } from '../patch/canonical.js';
import { fhirPathCases, parametersOf, rowsOf, type Expected } from '../patch/parameters.js';
import { ask, describeServer } from '../support/server.js';

/** As texts, because digits matter. */
type JsonCase = { section: string; before: string; patch: string } & Expected;

describeServer('the rules of PATCH', (server) => {
  test.each(rowsOf<JsonCase>('json'))('$section', ({ before, patch, ...expected }) =>
    prove(before, 'application/json-patch+json', patch, expected),
  );

  test.each(fhirPathCases)('$title', ({ before, operations, ...expected }) =>
    prove(before, 'application/fhir+json', JSON.stringify(parametersOf(operations)), expected),
  );

  async function prove(before: object | string, type: string, patch: string, expected: Expected): Promise<void> {
    const text = typeof before === 'string' ? before : JSON.stringify(before);
    const { resourceType } = JSON.parse(text);
    const made = await ask(`${server.base}/${resourceType}`, { body: text });
    expect([made.status, made.text]).toEqual([201, expect.any(String)]);
    const url = `${server.base}/${resourceType}/${made.body.id}`;
    const answer = await ask(url, { method: 'PATCH', headers: { 'Content-Type': type }, body: patch });
    const stored = await ask(url);
    if (expected.after === undefined) {
      expect([answer.status, answer.body.resourceType]).toEqual([expected.status, 'OperationOutcome']);
      const [{ diagnostics, expression = [] }] = answer.body.issue;
      expect(`${diagnostics} @ ${expression.join()}`).toMatch(new RegExp(expected.says));
      expect(stored.text).toBe(made.text);
    } else {
      expect([answer.status, answer.text]).toEqual([200, stored.text]);
      expect(content(stored.text)).toBe(content(expected.after));
    }
  }
});

/** The resource without what the server sets, digits and all. */
function content(resource: object | string): string {
  const text = typeof resource === 'string' ? resource : JSON.stringify(resource);
  const { id: _id, meta: _meta, ...rest } = parseJson(text, 64) as Record<string, unknown>;
  return canonical(rest);
}
