/** JSON without loss: what comes in is what goes out, and what would be changed in silence is refused. */
import fc from 'fast-check';
import { JsonError, indent, parseJson, rawNumber, stringify } from '../../src/kit/json.js';

const DEPTH = 64;
const roundTrip = (text: string): string => stringify(parseJson(text, DEPTH));

test.each([
  ['{"a":1.10}'],
  ['{"a":1e3}'],
  ['{"a":1E+3}'],
  ['{"a":-0}'],
  ['{"a":0.0}'],
  ['{"a":12345678901234567890.123}'],
  ['{"a":1e-400}'],
  ['{"a":{"b":[1.10,{"c":2.50}],"d":"x"},"e":1}'],
  ['[[1.0],[2,3.0]]'],
  ['{"a":"\\u00e9"}', '{"a":"é"}'],
  [' { "a" : [ ] , "b" : { } } ', '{"a":[],"b":{}}'],
  ['{"a":"\\ud83d\\ude00"}', '{"a":"😀"}'],
  ['{"a":"tab\\tline\\nreturn\\r"}'],
  ['{"a":["x",null,"y"]}'],
  ['{"__proto__":1.50,"a":2}'],
])('%s keeps every digit and character', (text, expected = text) => {
  expect(roundTrip(text)).toBe(expected);
});

test.each([
  ['{"a":1,"a":2}', /"a" occurs twice/],
  ['{"a":{"b":1,"b":1}}', /"b" occurs twice.*at a/],
  ['{"a":1,"\\u0061":2}', /"a" occurs twice/],
  ['{"a":null}', /null is not a value in FHIR.*at a\)/],
  ['{"a":[{"b":null}]}', /at a\[0\]\.b/],
  ['{"a":"\\ud800"}', /surrogate/],
  ['{"a":"\ud800"}', /surrogate/],
  ['{"a":"\\u0000"}', /U\+0000/],
  ['{"a":"\\u001f"}', /U\+001f/],
  ['{"a":1e400}', /too large/],
  ['{"a":-1e999}', /too large/],
  ['{"a":01}', /expected/],
  ['{"a":+1}', /expected/],
  ['{"a":.5}', /expected/],
  ['{"a":1.}', /expected/],
  ['{"a":NaN}', /expected/],
  ['{a:1}', /double quotes/],
  ["{'a':1}", /double quotes/],
  ['{"a":1,}', /double quotes/],
  ['[1,]', /expected/],
  ['{"a":1', /too early/],
  ['{"a":"x', /does not end/],
  ['{"a":"x\n"}', /does not allow/],
  ['{"a":"\\x"}', /does not allow/],
  ['{} {}', /after the end/],
  ['', /too early/],
  ['{"a" 1}', /":" was expected/],
  ['// no\n{}', /expected/],
])('%s is refused, and the reason names the place', (text, reason) => {
  expect(() => parseJson(text, DEPTH)).toThrow(JsonError);
  expect(() => parseJson(text, DEPTH)).toThrow(reason);
});

test('bytes that are not UTF-8 are refused', () => {
  expect(() => parseJson(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), DEPTH)).toThrow(/not UTF-8/);
});

test('depth is bounded whatever the shape, before anything recurses', () => {
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
  expect(parseJson(nested(DEPTH), DEPTH)).toBeDefined();
  expect(() => parseJson(nested(DEPTH + 1), DEPTH)).toThrow(/More than 64 levels/);
  expect(() => parseJson('{"a":'.repeat(20_000) + '1' + '}'.repeat(20_000), DEPTH)).toThrow(/More than 64 levels/);
  expect(() => parseJson('['.repeat(20_000), DEPTH)).toThrow(/More than 64 levels/);
  expect(parseJson(JSON.stringify({ a: '[[[['.repeat(100) + '\\"{{{{' }), DEPTH)).toBeDefined();
});

test('digits survive a copy, a new parent that spreads, and a changed neighbour', () => {
  const value = parseJson(
    '{"resourceType":"X","q":{"value":1.10,"unit":"g"},"list":[{"n":2.0},{"n":3.0}]}',
    DEPTH,
  ) as any;
  expect(stringify({ ...value, id: '1', list: value.list.map((one: object) => ({ ...one, extra: true })) })).toBe(
    '{"resourceType":"X","q":{"value":1.10,"unit":"g"},"list":[{"n":2.0,"extra":true},{"n":3.0,"extra":true}],"id":"1"}',
  );
  expect(rawNumber(value.q, 'value')).toBe('1.10');
});

test('a number that is changed loses its old digits', () => {
  const value = parseJson('{"q":{"value":1.10}}', DEPTH) as any;
  value.q.value = 7;
  expect(stringify(value)).toBe('{"q":{"value":7}}');
});

test('a key of the prototype is data like any other', () => {
  const value = parseJson('{"__proto__":{"polluted":true},"a":1.0}', DEPTH) as any;
  expect(Object.keys(value)).toEqual(['__proto__', 'a']);
  expect(({} as any).polluted).toBeUndefined();
});

test('whatever JSON.stringify writes comes back as it was', () => {
  const json = fc.jsonValue({ maxDepth: 6 }).filter((value) => !hasNullMember(value));
  fc.assert(
    fc.property(json, (value) => {
      const text = JSON.stringify(value);
      if (/\\u00[01]/.test(text) || text.includes('\\ud')) return;
      expect(roundTrip(text)).toBe(text);
      expect(JSON.parse(indent(text))).toEqual(JSON.parse(text));
    }),
    { seed: 1, numRuns: 500 },
  );
});

const hasNullMember = (value: unknown): boolean =>
  Array.isArray(value)
    ? value.some(hasNullMember)
    : typeof value === 'object' &&
      value !== null &&
      Object.values(value).some((item) => item === null || hasNullMember(item));

test('indenting changes white space only', () => {
  expect(indent('{"a":[1.10,{}],"b":"x:,{","c":[]}')).toBe(
    '{\n  "a": [\n    1.10,\n    {}\n  ],\n  "b": "x:,{",\n  "c": []\n}',
  );
});
