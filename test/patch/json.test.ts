/** JSON Patch does what RFC 6902 says, keeps digits, and ends soon whatever comes. */
import fc from 'fast-check';
import { FhirError } from '../../src/fhir/outcome.js';
import type { Resource } from '../../src/fhir/types.js';
import { parseJson, stringify } from '../../src/kit/json.js';
import { applyJsonPatch } from '../../src/patch/json.js';
import { cpuOf } from '../support/time.js';
import { canonical } from './canonical.js';
import { model, PatchFailed } from './model.js';

const DEPTH = 64;
const read = (text: string): any => parseJson(text, DEPTH);
/** The rest of a resource, as JSON text, and the same after the patch. */
const patched = (rest: string, patch: string): string => {
  const after: any = applyJsonPatch(read(`{"resourceType":"Basic",${rest}}`), read(patch));
  return stringify(after).replace('{"resourceType":"Basic",', '').slice(0, -1);
};

test.each([
  // RFC 6902, section 4.1 and appendices A.1, A.2, A.16
  ['"a":1', '[{"op":"add","path":"/b","value":2}]', '"a":1,"b":2'],
  ['"a":1', '[{"op":"add","path":"/a","value":2}]', '"a":2'],
  ['"a":[1,2]', '[{"op":"add","path":"/a/1","value":9}]', '"a":[1,9,2]'],
  ['"a":[1,2]', '[{"op":"add","path":"/a/2","value":9}]', '"a":[1,2,9]'],
  ['"a":[1,2]', '[{"op":"add","path":"/a/-","value":[9]}]', '"a":[1,2,[9]]'],
  ['"a":{"b":1}', '[{"op":"add","path":"/a/c","value":{"d":true}}]', '"a":{"b":1,"c":{"d":true}}'],
  ['"a":{"b":1}', '[{"op":"add","path":"/a/-","value":1}]', '"a":{"b":1,"-":1}'],
  ['"a":{}', '[{"op":"add","path":"/a/01","value":1}]', '"a":{"01":1}'],
  ['"a":{}', '[{"op":"add","path":"/a/","value":1}]', '"a":{"":1}'],
  // 4.2
  ['"a":1,"b":2', '[{"op":"remove","path":"/a"}]', '"b":2'],
  ['"a":[1,2,3]', '[{"op":"remove","path":"/a/1"}]', '"a":[1,3]'],
  // 4.3
  ['"a":1,"b":2', '[{"op":"replace","path":"/a","value":{"x":[]}}]', '"a":{"x":[]},"b":2'],
  ['"a":[1,2,3]', '[{"op":"replace","path":"/a/1","value":9}]', '"a":[1,9,3]'],
  ['"a":1', '[{"op":"replace","path":"","value":{"resourceType":"Basic","b":2}}]', '"b":2'],
  ['"a":1', '[{"op":"add","path":"","value":{"resourceType":"Basic","b":2}}]', '"b":2'],
  // 4.4
  ['"a":{"b":1},"c":{}', '[{"op":"move","from":"/a/b","path":"/c/d"}]', '"a":{},"c":{"d":1}'],
  ['"a":[1,2,3]', '[{"op":"move","from":"/a/0","path":"/a/2"}]', '"a":[2,3,1]'],
  ['"a":[1,2,3]', '[{"op":"move","from":"/a/0","path":"/a/-"}]', '"a":[2,3,1]'],
  ['"a":1', '[{"op":"move","from":"/a","path":"/a"}]', '"a":1'],
  ['"a":{"b":1}', '[{"op":"move","from":"/a/b","path":"/a"}]', '"a":1'],
  // 4.5
  ['"a":{"b":1}', '[{"op":"copy","from":"/a","path":"/a/c"}]', '"a":{"b":1,"c":{"b":1}}'],
  [
    '"a":[1],"b":[]',
    '[{"op":"copy","from":"/a","path":"/b/0"},{"op":"add","path":"/a/0","value":0}]',
    '"a":[0,1],"b":[[1]]',
  ],
  // 4.6
  ['"a":5.40', '[{"op":"test","path":"/a","value":5.4}]', '"a":5.40'],
  ['"a":[1e2,{"b":"x","c":0}]', '[{"op":"test","path":"/a","value":[100,{"c":0.0,"b":"x"}]}]'],
  ['"a":1', '[{"op":"test","path":"","value":{"a":1.0,"resourceType":"Basic"}}]'],
  // Members that the operation does not know are ignored (section 4, A.11).
  ['"a":1', '[{"op":"remove","path":"/a","value":7,"xyz":{}},{"op":"add","path":"/b","value":1,"from":7}]', '"b":1'],
  // RFC 6901, section 4
  ['"/":1,"~1":2', '[{"op":"remove","path":"/~1"},{"op":"replace","path":"/~01","value":3}]', '"~1":3'],
  // Names that every object has anyway are names like any other.
  ['"a":1', '[{"op":"add","path":"/__proto__","value":{"x":1}}]', '"a":1,"__proto__":{"x":1}'],
  [
    '"__proto__":{"x":1},"b":1',
    '[{"op":"copy","from":"/__proto__/x","path":"/constructor"}]',
    '"__proto__":{"x":1},"b":1,"constructor":1',
  ],
  ['"a":1', '[]', '"a":1'],
] as [string, string, string?][])('%s and %s', (rest, patch, expected = rest) => {
  expect(patched(rest, patch)).toBe(expected);
});

test.each([
  ['5.40 stays', '"a":5.40,"b":1', '[{"op":"remove","path":"/b"}]', '"a":5.40'],
  ['and comes', '"a":1', '[{"op":"add","path":"/b","value":5.40}]', '"a":1,"b":5.40'],
  ['inside of a value', '"a":1', '[{"op":"add","path":"/b","value":{"c":[5.40]}}]', '"a":1,"b":{"c":[5.40]}'],
  ['deep below what has none', '"a":{"b":{}}', '[{"op":"add","path":"/a/b/c","value":1.0}]', '"a":{"b":{"c":1.0}}'],
  ['and leaves', '"a":5.40', '[{"op":"replace","path":"/a","value":5.4}]', '"a":5.4'],
  ['is replaced by its like', '"a":5.4', '[{"op":"replace","path":"/a","value":5.40}]', '"a":5.40'],
  ['moves', '"a":5.40,"b":{}', '[{"op":"move","from":"/a","path":"/b/c"}]', '"b":{"c":5.40}'],
  ['is copied', '"a":5.40,"b":[1]', '[{"op":"copy","from":"/a","path":"/b/0"}]', '"a":5.40,"b":[5.40,1]'],
  ['shifts on', '"a":[1.0,2,3.0]', '[{"op":"add","path":"/a/0","value":4.0}]', '"a":[4.0,1.0,2,3.0]'],
  ['shifts back', '"a":[1.0,2,3.0]', '[{"op":"remove","path":"/a/0"}]', '"a":[2,3.0]'],
  ['moves in a list', '"a":[1.0,1,1.00]', '[{"op":"move","from":"/a/2","path":"/a/0"}]', '"a":[1.00,1.0,1]'],
  ['is not inherited', '"a":[1.0,2]', '[{"op":"replace","path":"/a/0","value":1}]', '"a":[1,2]'],
  [
    'nor by a name that comes again',
    '"a":1.0',
    '[{"op":"remove","path":"/a"},{"op":"add","path":"/a","value":1}]',
    '"a":1',
  ],
])('digits: %s', (_, rest, patch, expected) => {
  expect(patched(rest, patch)).toBe(expected);
});

test.each([
  ['{}', 400, /is an array of operations/],
  ['["x"]', 400, /^patch\[0\] must be an object/],
  ['[{"path":"/a"}]', 400, /^patch\[0\]\.op is missing/],
  ['[{"op":"remove"}]', 400, /^patch\[0\]\.path is missing/],
  ['[{"op":"remove","path":1}]', 400, /^patch\[0\]\.path must be a string/],
  ['[{"op":"merge","path":"/a"}]', 400, /op is "merge".*knows add, remove, replace, move, copy, test/],
  ['[{"op":"toString","path":"/a"}]', 400, /op is "toString"/],
  ['[{"op":"remove","path":"/a"},{"op":"remove","path":"a"}]', 400, /^patch\[1\]\.path must be empty or begin with/],
  ['[{"op":"remove","path":"/~2"}]', 400, /has "~2"/],
  ['[{"op":"remove","path":"/~"}]', 400, /has "~"/],
  ['[{"op":"add","path":"/b"}]', 400, /^patch\[0\]\.value is missing/],
  ['[{"op":"test","path":"/b"}]', 400, /^patch\[0\]\.value is missing/],
  ['[{"op":"copy","path":"/b"}]', 400, /^patch\[0\]\.from is missing/],
  ['[{"op":"move","from":"/o","path":"/o/x/y"}]', 400, /into itself/],
  ['[{"op":"move","from":"","path":"/o"}]', 400, /into itself/],
  ['[{"op":"remove","path":"/x"}]', 422, /^patch\[0\]\.path is "\/x", and there is no such value/],
  ['[{"op":"replace","path":"/x","value":1}]', 422, /no such value/],
  ['[{"op":"replace","path":"/l/-","value":1}]', 422, /no such value/],
  ['[{"op":"test","path":"/x","value":1}]', 422, /no such value/],
  ['[{"op":"copy","from":"/x","path":"/y"}]', 422, /^patch\[0\]\.from is "\/x"/],
  ['[{"op":"move","from":"/x","path":"/x"}]', 422, /^patch\[0\]\.from is "\/x"/],
  ['[{"op":"add","path":"/x/y","value":1}]', 422, /no object or array at "\/x"/],
  ['[{"op":"add","path":"/s/y","value":1}]', 422, /no object or array at "\/s"/],
  ['[{"op":"add","path":"/l/4","value":1}]', 422, /index from 0 to 3/],
  ['[{"op":"add","path":"/l/01","value":1}]', 422, /index from 0 to 3/],
  ['[{"op":"add","path":"/l/1e0","value":1}]', 422, /index from 0 to 3/],
  ['[{"op":"add","path":"/l/-1","value":1}]', 422, /index from 0 to 3/],
  ['[{"op":"add","path":"/l/99999999999999999999","value":1}]', 422, /index from 0 to 3/],
  ['[{"op":"remove","path":"/l/3"}]', 422, /no such value/],
  ['[{"op":"remove","path":"/l/00"}]', 422, /no such value/],
  ['[{"op":"remove","path":"/l/length"}]', 422, /no such value/],
  ['[{"op":"move","from":"/l/0","path":"/l/3"}]', 422, /index from 0 to 2/],
  ['[{"op":"test","path":"/s","value":"u"}]', 422, /test failed/],
  ['[{"op":"test","path":"/l","value":[1,2]}]', 422, /test failed/],
  ['[{"op":"test","path":"/l","value":{"0":1,"1":2,"2":3}}]', 422, /test failed/],
  ['[{"op":"test","path":"/o","value":{"x":{},"y":1}}]', 422, /test failed/],
  ['[{"op":"test","path":"/o","value":{"toString":1}}]', 422, /test failed/],
  ['[{"op":"copy","from":"/constructor","path":"/y"}]', 422, /no such value/],
  ['[{"op":"remove","path":"/__proto__"}]', 422, /no such value/],
  ['[{"op":"add","path":"/o/__proto__/polluted","value":1}]', 422, /no object or array/],
  ['[{"op":"remove","path":""}]', 422, /whole resource/],
  ['[{"op":"replace","path":"","value":[]}]', 422, /must leave a resource/],
  ['[{"op":"replace","path":"","value":{}}]', 422, /cannot change resourceType/],
  ['[{"op":"replace","path":"/id","value":"b"}]', 422, /cannot change id/],
  ['[{"op":"remove","path":"/id"}]', 422, /cannot change id/],
  ['[{"op":"replace","path":"/resourceType","value":"Patient"}]', 422, /cannot change resourceType/],
])('%s is refused with %i', (patch, status, reason) => {
  const text = '{"resourceType":"Basic","id":"a","s":"t","l":[1,2,3],"o":{"x":{}}}';
  const resource = read(text);
  const apply = (): unknown => applyJsonPatch(resource, read(patch));
  expect(apply).toThrow(FhirError);
  expect(apply).toThrow(reason);
  expect(apply).toThrow(expect.objectContaining({ status }));
  expect(stringify(resource)).toBe(text);
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
});

const basic = (rest: object): Resource => ({ resourceType: 'Basic', ...rest });
const many = <T>(count: number, item: (index: number) => T): T[] => Array.from({ length: count }, (_, at) => item(at));
const wide = Object.fromEntries(many(300_000, (index) => [`k${index}`, 1]));

test.each<[string, Resource, unknown]>([
  ['too many operations', basic({}), many(1001, () => ({ op: 'test', path: '', value: 1 }))],
  [
    'a copy into itself, again and again',
    basic({ a: { b: 1 } }),
    many(1000, () => ({ op: 'copy', from: '/a', path: '/a/c' })),
  ],
  ['copies of copies', basic({ a: [1] }), many(1000, () => ({ op: 'copy', from: '/a', path: '/a/-' }))],
  [
    'copies of a long text',
    basic({ a: ['x'.repeat(100_000)] }),
    many(1000, () => ({ op: 'copy', from: '/a/0', path: '/a/-' })),
  ],
  [
    'levels upon levels',
    basic({ a: {} }),
    many(80, (index) => ({ op: 'add', path: `/a${'/a'.repeat(index)}`, value: {} })),
  ],
  [
    'tests of a wide object',
    basic({ a: wide }),
    many(1000, () => ({ op: 'test', path: '/a', value: {} })).map((one, at) => ({
      ...one,
      path: at < 999 ? '/a' : '/b',
    })),
  ],
  [
    'a list of many digits that shift each time',
    read(`{"resourceType":"Basic","a":[${many(300_000, () => '1.0').join()}]}`),
    many(1000, () => ({ op: 'add', path: '/a/0', value: 1 })),
  ],
])('%s end soon', async (_, resource, patch) => {
  const took = await cpuOf(() => {
    expect(() => applyJsonPatch(resource, patch)).toThrow(FhirError);
  });
  expect(took).toBeLessThan(3000);
});

/** Short names, so that paths often lead somewhere; some that need escapes, and some that every object inherits. */
const name = fc.constantFrom('a', 'b', 'a', 'b', '~1', 'a/b', '__proto__', '0');
const number = fc.constantFrom('0', '1', '1.0', '1.00', '-0', '5.40', '1e2', '12345678901234567890.10');
const objectText = (members: Record<string, string>): string =>
  `{${Object.keys(members)
    .map((key) => `${JSON.stringify(key)}:${members[key]!}`)
    .join()}}`;
const value: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.oneof(number, fc.constantFrom('"x"', '"5.40"', 'true', 'false')),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join()}]`),
    fc.dictionary(name, tie('value'), { maxKeys: 3 }).map(objectText),
  ),
})).value;
const document = fc.dictionary(name, value, { maxKeys: 4, minKeys: 2 }).map((members) => {
  const text = objectText(members);
  return `{"resourceType":"Basic"${text === '{}' ? '' : ','}${text.slice(1)}`;
});
const pointer = fc
  .oneof(
    { weight: 3, arbitrary: fc.constantFrom('a', 'b').map((one) => [one]) },
    { weight: 1, arbitrary: name.map((one) => [one]) },
    {
      weight: 2,
      arbitrary: fc.array(fc.oneof(name, fc.constantFrom('0', '1', '-', '01')), { minLength: 1, maxLength: 3 }),
    },
    { weight: 1, arbitrary: fc.constantFrom([], ['resourceType']) },
  )
  .map((tokens) => tokens.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''));
const operation = fc
  .record({
    op: fc.constantFrom('add', 'add', 'remove', 'replace', 'move', 'copy', 'test'),
    path: pointer,
    from: pointer,
    value,
  })
  .map(
    ({ op, path, from, value: text }) =>
      `{"op":"${op}","path":${JSON.stringify(path)},"from":${JSON.stringify(from)},"value":${text}}`,
  );

test('it agrees with a model, digit for digit, and changes nothing that came in', () => {
  let applied = 0;
  fc.assert(
    fc.property(document, fc.array(operation, { maxLength: 3, minLength: 1 }), (text, operations) => {
      const [resource, patch] = [read(text), read(`[${operations.join()}]`)];
      const before = [canonical(resource), canonical(patch)];
      const expected = outcome(() => model(text, `[${operations.join()}]`));
      const found = outcome(() => canonical(applyJsonPatch(resource, patch)));
      if (found !== undefined) applied += 1;
      expect(found).toBe(expected);
      expect([canonical(resource), canonical(patch)]).toEqual(before);
      // The marks that `stringify` goes by are complete: nothing is lost on the way out.
      if (found !== undefined) expect(canonical(read(stringify(applyJsonPatch(resource, patch))))).toBe(found);
    }),
    { numRuns: 1500 },
  );
  expect(applied).toBeGreaterThan(200);
});

/** Undefined for a refusal; anything else that is thrown is a fault. */
function outcome(apply: () => string): string | undefined {
  try {
    return apply();
  } catch (error) {
    if (error instanceof FhirError || error instanceof PatchFailed) return undefined;
    throw error;
  }
}

test('whatever is sent as a patch, it is refused in words or applied', () => {
  const junk = fc.oneof(
    fc.jsonValue(),
    fc.array(fc.oneof(fc.jsonValue(), fc.record({ op: fc.string(), path: fc.string() }))),
    fc.array(
      fc.record(
        {
          op: fc.constantFrom('add', 'copy', 'move', 'test'),
          path: fc.jsonValue(),
          from: fc.jsonValue(),
          value: fc.jsonValue(),
        },
        { requiredKeys: ['op'] },
      ),
    ),
  );
  fc.assert(
    fc.property(junk, (patch) => {
      outcome(() => canonical(applyJsonPatch(basic({ a: [1, { b: 'x' }] }), patch)));
    }),
    { numRuns: 500 },
  );
});
