/** FHIRPath that others wrote: what it finds, and that none of it takes long, goes out, or is passed over. */
import { compilePath, PathError } from '../../src/fhir/path.js';
import { compilePattern } from '../../src/kit/pattern.js';

const response = {
  resourceType: 'QuestionnaireResponse',
  item: [
    { linkId: 'a', answer: [{ valueInteger: 3 }, { valueInteger: 4 }] },
    { linkId: 'b', item: [{ linkId: 'c', answer: [{ valueDecimal: 1.5 }] }] },
    { linkId: 'd', answer: [{ valueDate: '2020-02-03' }, { valueCoding: { system: 's', code: 'x' } }] },
    { linkId: 'e', answer: [{ valueString: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' }] },
  ],
};
const found = (text: string, variables = {}): unknown[] =>
  compilePath(text, 'QuestionnaireResponse', {
    weight: { run: (input) => input.map((one) => ((one as { code?: string }).code === 'x' ? 7 : 0)) },
  }).evaluate(response, variables);

test.each<[string, unknown[]]>([
  ["%resource.item.where(linkId='a').answer.value.sum()", [7]],
  ['item.descendants().where(linkId = %which).answer.value', [1.5]],
  ["item.where(linkId='d').answer.value.first() > @2020-01-01", [true]],
  ["item.where(linkId='d').answer.value.last().weight()", [7]],
  ["item.where(linkId='d').answer.value.ofType(Coding)", [{ system: 's', code: 'x' }]],
  ["item.where(linkId='a').answer.value.avg()", [3.5]],
  ["item.where(linkId='nowhere').answer.value", []],
  ['repeat(item).linkId', ['a', 'b', 'd', 'e', 'c']],
  ['(1).repeat(iif($this > 5, {}, $this + 1))', [2, 3, 4, 5, 6]],
  ["(1 | 2 | 'b').count()", [3]],
  ["'2020-1' .matches('^[0-9]{4}-[0-9]{2}$')", [false]],
  ["'abc'.replaceMatches('(b)', '$1$1')", ['abbc']],
])('%s', (text, expected) => {
  expect(found(text, { which: 'c' })).toEqual(expected);
});

/** No step of these may depend on how fast the machine is: each ends by a count. */
test.each<[string, PathError['kind'], string]>([
  ['item.where(', 'syntax', 'line: 1'],
  ['item.frobnicate()', 'refused', 'frobnicate'],
  ['item.resolve()', 'refused', 'resolve'],
  ["item.memberOf('x')", 'refused', 'memberOf'],
  ['item.first(1)', 'syntax', 'first() takes 0'],
  ['%nothing', 'failed', 'nothing'],
  ["'x' & '" + 'y'.repeat(100_000) + "'", 'costly', 'characters'],
  ['1+'.repeat(2000) + '1', 'costly', 'words and signs'],
  ['('.repeat(100) + '1' + ')'.repeat(100), 'costly', 'brackets'],
  ['(1).repeat($this + 1)', 'costly', 'steps'],
  ["(1).repeat(iif($this > 100000, {}, $this + 1)).aggregate($total & 'xxxxxxxxxxxxxxxx', '')", 'costly', 'steps'],
  ["item.descendants().descendants().select('x' + '1').repeat($this & 'y')", 'costly', 'steps'],
  ["(1).repeat(iif($this > 600, {}, $this + 1)) | 'b'", 'costly', 'long'],
  ['(1).repeat(iif($this > 3000, {}, $this + 1)).distinct()', 'costly', 'steps'],
  ["'aaaaaaaa'.matches('(?=a)')", 'refused', 'linear'],
  ["'a'.matches('" + 'a'.repeat(2000) + "')", 'refused', 'characters'],
])('refused, by a count: %#', (text, kind, says) => {
  let error: unknown;
  try {
    found(text);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(PathError);
  expect((error as PathError).kind).toBe(kind);
  expect((error as PathError).message).toContain(says);
});

test('V-13 patterns that would go back for ever answer at once', () => {
  const hostile = compilePattern('^(a+)+$');
  expect(hostile.matches(`${'a'.repeat(10_000)}!`)).toBe(false);
  expect(compilePattern('^(a|a)*$').matches('a'.repeat(10_000))).toBe(true);
  expect(() => compilePattern('(a)\\1')).toThrow('linear');
});
