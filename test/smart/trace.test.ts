/** What SMART App Launch 2.2 asks of a server is shown by tests, and the document says by which. */
import { readFileSync } from 'node:fs';
import { format } from 'prettier';
import { DOCUMENT, lines, MARK, requirements, shownBy, traceability } from './trace.js';

const shown = shownBy();
const lineOf = new Map(lines.map((line) => [line.id, line]));

test('all 172 SHALL and SHALL NOT are there, once each', () => {
  expect(new Set(requirements.map(({ id }) => id)).size).toBe(172);
  expect(requirements.filter(({ level }) => level === 'SHALL NOT')).toHaveLength(5);
});

test.each(requirements.map((one) => [one.id, one.inferno?.join(', ') ?? 'none', one] as const))(
  'SMART %s (Inferno %s) is shown by tests, or does not apply for a reason',
  (_id, _inferno, { by, notApplicable }) => {
    expect((by === undefined) === (notApplicable === undefined)).toBe(false);
    for (const id of by ?? []) {
      expect(lineOf.get(id)).toMatchObject({ id });
      expect(lineOf.get(id)).not.toHaveProperty('notApplicable');
      expect([id, (shown.get(id)?.length ?? 0) > 0]).toEqual([id, true]);
    }
  },
);

test('every line that applies has a test of its name, and no test names a line that is not there', () => {
  const applicable = lines.filter(({ notApplicable }) => notApplicable === undefined).map(({ id }) => id);
  expect(applicable.filter((id) => !shown.has(id))).toEqual([]);
  expect([...shown.keys()].filter((id) => !lineOf.has(id))).toEqual([]);
});

test('docs/smart.md has these tables (npm run docs)', async () => {
  const [, made] = readFileSync(DOCUMENT, 'utf8').split(MARK);
  const wanted = await format(traceability(), { parser: 'markdown', printWidth: 120 });
  expect(made?.trim()).toBe(wanted.trim());
});
