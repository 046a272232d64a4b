/** Other people's resources: the good ones pass, and for each that is refused the reason is on record. */
import { readdirSync, readFileSync } from 'node:fs';
import { loadDefinitions } from '../../src/fhir/definitions.js';
import { isRefusal, type Issue } from '../../src/fhir/outcome.js';
import type { Resource } from '../../src/fhir/types.js';
import { createValidator } from '../../src/validate/validator.js';

interface Verdict {
  verdict: 'valid' | 'refused' | 'not a resource';
  /** Why it is not R4, judged against the specification. */
  reason?: string;
  /** The errors, in their order. */
  issues?: { at: string; says: string }[];
  /** What is told of it beside. */
  warnings?: { at: string; says: string }[];
}

const folder = 'test/data/microsoft-fhir-server/';
const verdicts = JSON.parse(readFileSync('test/cases/microsoft-verdicts.json', 'utf8')) as Record<string, Verdict>;
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
const { validate } = createValidator(loadDefinitions());

/** Some of the files begin with a byte order mark. */
const read = (file: string): Resource => JSON.parse(readFileSync(folder + file, 'utf8').replace(/^\uFEFF/, ''));
const those = (verdict: Verdict['verdict']) => files.filter((file) => verdicts[file]?.verdict === verdict);

test('every file has a verdict', () => {
  expect(Object.keys(verdicts).sort()).toEqual(files.sort());
  expect(those('valid').length).toBeGreaterThan(140);
});

const told = (issues: Issue[]) =>
  issues.map(({ expression, diagnostics }) => ({ at: expression?.[0], says: diagnostics }));
const warnings = (issues: Issue[]) => told(issues.filter((issue) => !isRefusal(issue)));

test.each(those('valid'))('%s passes', (file) => {
  const issues = validate(read(file));
  expect(issues.filter(isRefusal)).toEqual([]);
  expect(warnings(issues)).toEqual(verdicts[file]?.warnings ?? []);
});

test.each(those('refused'))('%s is refused for the reasons on record', (file) => {
  expect(verdicts[file]?.reason).toBeDefined();
  expect(told(validate(read(file)).filter(isRefusal))).toEqual(verdicts[file]?.issues);
});

test.each(those('not a resource'))('%s is no resource at all', (file) => {
  expect(read(file)).not.toHaveProperty('resourceType');
  expect(validate(read(file))).toHaveLength(1);
});
