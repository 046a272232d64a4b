/** A Bundle in parts is the same Bundle, and what is broken in it is found wherever it hides. */
import fc from 'fast-check';
import { entriesOf, splitBundle } from '../../src/fhir/transaction/split.js';
import { JsonBytes } from '../../src/kit/json-bytes.js';
import { JsonError, parseJson, stringify } from '../../src/kit/json.js';
import { limits } from '../../src/kit/limits.js';

const DEPTH = limits.depth + 3;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

async function joined(bytes: Uint8Array): Promise<any> {
  const split = await splitBundle(bytes);
  const entry: unknown[] = [];
  for await (const one of entriesOf(bytes, split)) entry.push(one.entry);
  return entry.length === 0 ? split.properties : { ...split.properties, entry };
}

/** With the digits of its numbers. */
const written = ({ entry, ...properties }: any): string[] => [stringify(properties), stringify(entry ?? [])];

const attempt = async (read: () => unknown): Promise<{ value?: unknown; error?: unknown }> => {
  try {
    return { value: await read() };
  } catch (error) {
    return { error };
  }
};

/** JSON texts with white space anywhere, digits that JavaScript forgets, escapes and names that look like structure. */
const space = fc.constantFrom('', '', ' ', '\n', '\t ', '\r\n');
const string = fc.oneof(
  fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text)),
  fc.constantFrom(
    '"\\""',
    '"\\\\"',
    '"\\\\\\""',
    '"]}"',
    '"{[,"',
    '"\\u00e9"',
    `"${'x'.repeat(80)}\\"${'y'.repeat(70)}"`,
  ),
);
const scalar = fc.oneof(string, fc.constantFrom('0', '-1.50', '1e3', 'true', 'false', '12.0'));
const { value: json } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
    members(tie('value')),
  ),
}));

function members(value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .uniqueArray(fc.constantFrom('a', 'entry', 'b\\"', 'résumé', '\\u0061b', '__proto__'), { maxLength: 4 })
    .chain((names) =>
      fc.tuple(
        ...names.map((name) => fc.tuple(space, value, space).map((all) => `${all[0]}"${name}":${all[1]}${all[2]}`)),
      ),
    )
    .map((all) => `{${all.join(',')}}`);
}

const bundle = fc
  .tuple(
    fc.uniqueArray(fc.constantFrom('type', 'x', '__proto__', 'a"b', 'total'), { maxLength: 4 }),
    fc.infiniteStream(json),
    fc.array(
      fc.tuple(space, members(json), space).map((all) => all.join('')),
      { maxLength: 4 },
    ),
    fc.nat(4),
    space,
  )
  .map(([names, values, entries, at, gap]) => {
    const parts = names.map((name) => `${gap}${JSON.stringify(name)}${gap}:${gap}${String(values.next().value)}`);
    const name = at === 2 ? '"\\u0065ntry"' : '"entry"';
    if (entries.length > 0) parts.splice(at, 0, `${name}:${gap}[${entries.join(',')}]`);
    return `${gap}{${parts.join(`${gap},`)}${gap}}${gap}`;
  });

test('split and parsed is what parsing the whole gives, digits included', async () => {
  await fc.assert(
    fc.asyncProperty(bundle, async (text) => {
      expect(written(await joined(bytesOf(text)))).toEqual(written(parseJson(text, DEPTH)));
    }),
    { numRuns: 1000 },
  );
});

test('of broken bytes both are refused, or both read the same', async () => {
  const tokens = fc
    .constantFrom(...'{ } [ ] " , : \\ 0 null'.split(' '), ' ', '\n', '\u0001', '\ufeff', 'é')
    .map((text) => [...bytesOf(text)]);
  const bytes = fc.oneof(
    tokens,
    fc.uint8Array({ minLength: 1, maxLength: 2 }).map((some) => [...some]),
  );
  const change = fc.tuple(fc.nat(), fc.nat(2), bytes);
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(bundle, fc.array(change, { minLength: 1, maxLength: 3 }), async (text, changes) => {
      const list = [...bytesOf(text)];
      for (const [at, drop, put] of changes) list.splice(at % (list.length + 1), drop, ...put);
      const broken = Uint8Array.from(list);
      const parts = await attempt(() => joined(broken));
      const whole = await attempt(() => parseJson(broken, DEPTH));
      if (whole.error !== undefined) {
        expect(parts.error).toBeInstanceOf(JsonError);
        refused += 1;
      } else if (parts.error === undefined) expect(written(parts.value)).toEqual(written(whole.value));
      else expect(onlyHere(whole.value)).toBe(true);
    }),
    { numRuns: 2000 },
  );
  expect(refused).toBeGreaterThan(1000);
});

/** What is JSON and yet no Bundle that can be split: the one thing that splitting refuses and parsing does not. */
const onlyHere = (value: any): boolean =>
  typeof value !== 'object' ||
  value === null ||
  Array.isArray(value) ||
  !Array.isArray(value.entry) ||
  value.entry.length === 0 ||
  value.entry.some((one: unknown) => typeof one !== 'object' || one === null || Array.isArray(one));

const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

test.each([
  [
    '{"entry":[{"resource":{"name":[{"given":null}]}}]}',
    'null is not a value.*at Bundle.entry[0].resource.name[0].given',
  ],
  ['{"a":1,"entry":[{},\n {"b":01}]}', 'expected.*line 2, column 8, at Bundle.entry[1]'],
  ['{"entry":[{"é":1},{"b":1,"b":2}]}', '"b" occurs twice.*line 1, column 26, at Bundle.entry[1]'],
  ['{"type":"a","type":"b"}', '"type" occurs twice.*line 1, column 13, at Bundle'],
  ['{"entry":[{}],"\\u0065ntry":[{}]}', '"entry" occurs twice'],
  ['{"entry":{}}', '"[" was expected, found "{}}".*at Bundle.entry'],
  ['{"entry":[]}', 'empty list.*at Bundle.entry'],
  ['{"entry":[{},null]}', 'null is not a value.*at Bundle.entry[1]'],
  ['{"entry":[{},1]}', 'An entry is an object.*at Bundle.entry[1]'],
  ['{"entry":[{},]}', 'A JSON value was expected, found "]}".*at Bundle.entry[1]'],
  ['{"entry":[{} {}]}', '"," was expected.*at Bundle.entry[0]'],
  ['{"entry":[{"a":[}]}', 'expected.*at Bundle.entry[0].a[0]'],
  ['{"entry":[{"a":{"b":"c', 'does not end.*at Bundle.entry[0].a.b'],
  ['{"entry":[{"a":{"b":1', 'too early.*at Bundle.entry[0].a'],
  ['{"entry":[{}', 'too early.*at Bundle.entry[0]'],
  ['{"entry":[{}]', 'too early.*at Bundle'],
  ['{"type":null}', 'null is not a value.*at Bundle.type'],
  ['{"type":tru}', 'expected, found "tru".*at Bundle.type'],
  ['{"type":}', 'expected, found "}".*at Bundle.type'],
  ['{type:1}', 'double quotes'],
  ['{"a":1,}', 'double quotes'],
  ['{"a":1}{}', 'after the end'],
  ['[]', '"{" was expected'],
  ['', 'too early'],
  [`{"a":${deep(67)}}`, 'More than 67 levels.*at Bundle.a'],
  [`{"entry":[{"resource":{"a":${deep(64)}}}]}`, 'More than 67 levels.*at Bundle.entry[0]'],
])('%s is refused with its place', async (text, reason) => {
  const { error } = await attempt(() => joined(bytesOf(text)));
  expect(error).toBeInstanceOf(JsonError);
  const pattern = reason.split('.*').map((part) => part.replace(/[[\](){}.*+?|^$\\]/g, '\\$&'));
  expect((error as JsonError).message).toMatch(new RegExp(pattern.join('.*')));
});

test('a resource may be as deep in a Bundle as alone', async () => {
  const text = `{"entry":[{"resource":{"a":${deep(63)}}}]}`;
  expect(await joined(bytesOf(text))).toEqual(JSON.parse(text));
});

test('bytes that are not UTF-8 are refused by the entry that holds them', async () => {
  const bytes = Uint8Array.from([...bytesOf('{"entry":[{},{"a":"'), 0xff, ...bytesOf('"}]}')]);
  await expect(joined(bytes)).rejects.toThrow(/not UTF-8\. .*at Bundle\.entry\[1\]/);
});

test('too many entries, too many properties and too large parts are 413', async () => {
  const many = `{"entry":[${Array(limits.bundleEntries + 1)
    .fill('{}')
    .join()}]}`;
  await expect(splitBundle(bytesOf(many))).rejects.toMatchObject({
    kind: 'too-large',
    message: /bundleEntries/ as any,
  });
  const wide = `{${Array.from({ length: 100 }, (_, at) => `"p${at}":1`).join()}}`;
  await expect(splitBundle(bytesOf(wide))).rejects.toMatchObject({ kind: 'too-large' });
  const busy = `{"entry":[{"a":[${'1,'.repeat(limits.entryBytes / 2)}1]}]}`;
  await expect(splitBundle(bytesOf(busy))).rejects.toMatchObject({ kind: 'too-large' });
  const data = `{"entry":[{"data":"${'A'.repeat(limits.entryBytes + 10)}"}]}`;
  expect((await splitBundle(bytesOf(data))).entries).toEqual([{ start: 10, end: data.length - 2 }]);
});

test('others have their turns while a Bundle of 18 MB is split, and while its entries are parsed', async () => {
  const resource = JSON.stringify({ resource: { text: 'a "quoted" text', list: Array(1000).fill({ linkId: '1.1' }) } });
  const bytes = bytesOf(`{"entry":[${Array(1000).fill(resource).join()}]}`);
  let turns = 0;
  let done = false;
  const tick = () => {
    turns += 1;
    if (!done) setImmediate(tick);
  };
  setImmediate(tick);
  const split = await splitBundle(bytes);
  expect(turns).toBeGreaterThan(3);
  turns = 0;
  let entries = 0;
  for await (const _ of entriesOf(bytes, split)) entries += 1;
  done = true;
  expect(entries).toBe(1000);
  expect(turns).toBeGreaterThan(3);
});

test('a value ends where it ends, however short the slices are', () => {
  fc.assert(
    fc.property(json, fc.integer({ min: 1, max: 200 }), (text, slice) => {
      const scan = new JsonBytes(bytesOf(`${text},"x"`), slice);
      scan.begin();
      let state = scan.skip(DEPTH);
      while (state === 'more') state = scan.skip(DEPTH);
      expect([state, scan.at]).toEqual(['done', bytesOf(text).length]);
    }),
    { numRuns: 1000 },
  );
});
