/**
 * What closures are sure of is what fhirpath.js says, which others wrote: of every expression of the forms that come with
 * the server, and of expressions as other forms have them, on random responses.
 */
import { readFileSync, readdirSync } from 'node:fs';
import fc from 'fast-check';
import { loadDefinitions } from '../../src/fhir/definitions.js';
import { compilePath, createCompilePath } from '../../src/fhir/path.js';
import { Node } from '../../src/fhir/path/compiler/node.js';
import { createShapes } from '../../src/fhir/path/compiler/shapes.js';
import { compileExactly, held } from '../../src/fhir/path/exact.js';
import { limits } from '../../src/kit/limits.js';

const definitions = loadDefinitions();
const shapes = createShapes(definitions);
const folder = new URL('../../questionnaires/', import.meta.url);
const forms = readdirSync(folder)
  .filter((name) => name.endsWith('.json') && !name.endsWith('-codes.json'))
  .map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')));

/** A weight for codes that have one: as the engine hands it in. */
const weights: Record<string, number> = { a: 0, b: 1, c: 2, yes: 3 };
const weigh = (input: unknown[]): unknown[] =>
  input.flatMap((one: any) => weights[one?.code ?? one?.valueCoding?.code] ?? []);
const functions = { weight: { run: weigh }, ordinal: { run: weigh } };

const expressionsIn = (value: unknown): string[] => {
  if (typeof value !== 'object' || value === null) return [];
  const { language, expression } = value as { language?: string; expression?: string };
  return [
    ...(language === 'text/fhirpath' && expression !== undefined ? [expression] : []),
    ...Object.values(value).flatMap(expressionsIn),
  ];
};

const answerOf = fc.oneof(
  { weight: 4, arbitrary: fc.record({ valueBoolean: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ valueInteger: fc.integer({ min: -3, max: 30 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      valueCoding: fc.record({
        system: fc.constant('http://example.org/codes'),
        code: fc.constantFrom(...Object.keys(weights), 'male', 'rapid-growth', 'other'),
      }),
    }),
  },
  fc.record({ valueString: fc.constantFrom('a', 'yes', '12', '') }),
  fc.record({ valueDecimal: fc.constantFrom(0.5, 1.25, 3) }),
  fc.record({ valueDate: fc.constantFrom('2020-01-01', '2020') }),
  fc.record({ valueQuantity: fc.record({ value: fc.constantFrom(1, 2.5), code: fc.constantFrom('kg', 'g') }) }),
  fc.constant({ extension: [{ url: 'http://example.org/why', valueCode: 'unknown' }] }),
  fc.constant({ _valueString: { extension: [{ url: 'http://example.org/why', valueCode: 'unknown' }] } }),
);

/** Items of these linkIds, in any order and depth, below each other and below answers. */
const itemsOf = (linkIds: string[], depth: number): fc.Arbitrary<any[]> => {
  const below = depth === 0 ? fc.constant(undefined) : fc.option(itemsOf(linkIds, depth - 1), { nil: undefined });
  const answer = fc.tuple(answerOf, below).map(([own, item]) => (item?.length ? { ...own, item } : own));
  const item = fc
    .record({
      linkId: fc.constantFrom(...linkIds),
      answer: fc.option(fc.array(answer, { maxLength: 2 }), { nil: undefined }),
      item: below,
    })
    .map((one) =>
      Object.fromEntries(Object.entries(one).filter(([, value]) => value !== undefined && value.length !== 0)),
    );
  return fc.array(item, { maxLength: 5 });
};

interface Asked {
  text: string;
  questionnaire: any;
  linkIds: string[];
}

const compiledTexts = new Map<string, ReturnType<typeof compileBoth>>();
const compileBoth = (text: string) => ({
  own: compileExactly(text, functions),
  QuestionnaireResponse: compilePath(text, 'QuestionnaireResponse', functions),
  'QuestionnaireResponse.item': compilePath(text, 'QuestionnaireResponse.item', functions),
});

function compiledBoth(text: string) {
  const known = compiledTexts.get(text) ?? compileBoth(text);
  compiledTexts.set(text, known);
  return known;
}

/** Both sides, or nothing where the closures are not sure. `focus` is the response or its first item. */
function both({ text, questionnaire }: Asked, resource: any, inItem: boolean): 'unsure' | 'same' {
  const compiled = compiledBoth(text);
  const focus = inItem ? (resource.item?.[0] ?? { linkId: 'a' }) : resource;
  const at = inItem ? 'QuestionnaireResponse.item' : 'QuestionnaireResponse';
  const variables = {
    resource,
    rootResource: resource,
    questionnaire,
    qitem: questionnaire.item?.[0] ?? { linkId: 'a' },
    score: [3],
    nothing: [],
    items: (resource.item ?? []).map((one: any) => new Node(one, undefined, shapes('QuestionnaireResponse.item')!)),
  };
  const node = (value: any, type: string) => new Node(value, undefined, shapes(value.resourceType ?? type)!);
  const own = compiled.own?.({
    shapes,
    focus: node(focus, at),
    resource: node(resource, ''),
    variables: {
      ...variables,
      questionnaire: node(questionnaire, ''),
      qitem: node(variables.qitem, 'Questionnaire.item'),
    },
    found: new Map(),
    work: { left: limits.pathWork },
  });
  if (own === undefined) return 'unsure';
  // What fhirpath.js would not do must not be done here either: an error fails the test.
  expect(own.map(held)).toEqual(compiled[at].evaluate(focus, variables));
  return 'same';
}

function agree(asked: Asked, runs: number): number {
  let sure = 0;
  const response = itemsOf(asked.linkIds, 2).map((item) => ({
    resourceType: 'QuestionnaireResponse',
    status: 'completed',
    ...(item.length > 0 && { item }),
  }));
  fc.assert(
    fc.property(response, fc.boolean(), (resource, inItem) => {
      if (both(asked, resource, inItem) === 'same') sure += 1;
    }),
    { numRuns: runs, seed: 9 },
  );
  return sure / runs;
}

const RUNS = 40;
const shipped = forms.flatMap((questionnaire): [string, Asked][] =>
  [...new Set(expressionsIn(questionnaire))].map((text, at) => {
    const linkIds = [...new Set([...text.matchAll(/linkId = '([^']+)'/g)].map(([, linkId = '']) => linkId))];
    return [`${questionnaire.id} ${at}`, { text, questionnaire, linkIds: [...linkIds, 'other'] }];
  }),
);

test.each(shipped)('%s: closures and fhirpath.js say the same', (_name, asked) => {
  expect(agree(asked, RUNS)).toBeGreaterThan(0.2);
});

test('answered examples are decided by closures alone', () => {
  const unsure: string[] = [];
  for (const questionnaire of forms) {
    const texts = [...new Set(expressionsIn(questionnaire))];
    const name = readdirSync(new URL('examples/', folder)).find((one) =>
      questionnaire.id.startsWith(one.slice(0, -5)),
    )!;
    const examples = JSON.parse(readFileSync(new URL(`examples/${name}`, folder), 'utf8'));
    for (const { verdict, response } of examples) {
      if (verdict !== 'accepted') continue;
      for (const text of texts)
        if (both({ text, questionnaire, linkIds: [] }, response, false) === 'unsure') unsure.push(`${name} ${text}`);
    }
  }
  expect(unsure).toEqual([]);
});

/** Expressions as forms of others have them. Those of the second table are left to fhirpath.js, or nearly always. */
const corpus = [
  "%resource.item.where(linkId = 'a').answer.value",
  "%resource.item.where(linkId='a').answer.valueInteger",
  "%resource.descendants().where(linkId = 'a').answer.value",
  "%resource.descendants().where(linkId = 'b').answer.item.where(linkId = 'a')",
  "%context.descendants().where(linkId = 'a').answer.count()",
  "%resource.repeat(item).where(linkId = 'a').answer.value.exists()",
  '%resource.repeat(item).linkId',
  "QuestionnaireResponse.item.where(linkId = 'b').answer.value.code",
  "item.where(linkId = 'c').answer.value > 5",
  'item.first().answer.first().value',
  '%resource.item.answer.value.ofType(Coding).code',
  "%resource.item.where(linkId = 'a').answer.value.code = 'a' and %resource.item.where(linkId = 'b').answer.exists()",
  "%resource.item.where(linkId = 'a').answer.value = true or %resource.item.where(linkId = 'b').answer.value = true",
  "%resource.item.where(linkId = 'a').answer.value.code in ('a' | 'b')",
  "('a' | 'b').exists($this = %resource.item.where(linkId = 'a').answer.value.code.first())",
  "%resource.item.where(linkId in ('a' | 'b')).answer.exists(value = true)",
  '%resource.item.answer.weight().sum()',
  '%resource.item.answer.value.ordinal().sum() > 3',
  '%resource.item.select(answer.weight().sum()).sum()',
  '%resource.item.answer.weight().aggregate($this + $total, 0)',
  '%resource.item.answer.weight().aggregate(iif($this > $total, $this, $total), 0)',
  "%resource.item.where(linkId = 'a').answer.value + %resource.item.where(linkId = 'b').answer.value",
  "%resource.item.where(linkId = 'a').answer.weight() * 2 - 1",
  "%resource.item.where(linkId = 'a').answer.weight() / 2",
  "iif(%resource.item.where(linkId = 'a').answer.exists(), 'yes', 'no')",
  "iif(%resource.item.where(linkId = 'a').answer.value = true, %resource.item.where(linkId = 'b').answer.value, {})",
  "%resource.item.where(linkId = 'a').answer.count() + %resource.item.where(linkId = 'b').answer.count() >= 2",
  "%resource.item.where(linkId = 'a').answer.empty() implies %resource.item.where(linkId = 'b').answer.exists()",
  "%resource.item.where(linkId = 'a').answer.exists() xor %resource.item.where(linkId = 'b').answer.exists()",
  "%resource.item.where(linkId = 'a').answer.exists().not()",
  '%resource.item.all(answer.exists())',
  '%resource.item.answer.value.where($this = true).count()',
  '%resource.item.where(answer.value.exists()).linkId.first()',
  "%resource.item.answer.extension('http://example.org/why').value",
  "%resource.item.answer.value.extension('http://example.org/why').exists()",
  '%resource.item[0].answer[1].value',
  '%resource.item.skip(1).take(2).linkId',
  '%resource.item.tail().linkId.last()',
  '%resource.item.answer.weight().max()',
  '%resource.item.answer.weight().min()',
  '%resource.item.linkId.distinct().count()',
  '%resource.item.linkId.isDistinct()',
  '%resource.item.linkId.combine(%resource.item.linkId).count()',
  "%resource.item.linkId.first() & '-' & %resource.item.linkId.last()",
  "%resource.item.linkId.first() + 'x'",
  "%resource.item.where(linkId.startsWith('a')).linkId",
  "%resource.item.where(linkId.contains('b') or linkId.endsWith('c')).linkId",
  "%resource.item.linkId.first() < 'b'",
  "%resource.item.answer.value.where(code = 'a').hasValue()",
  '%resource.item.answer.value.allTrue()',
  '%resource.item.answer.value.where($this = true or $this = false).anyTrue()',
  '%score > 2',
  '%score + %resource.item.count()',
  '%nothing.exists()',
  "%items.where(linkId = 'a').answer.value",
  '%qitem.linkId',
  '%qitem.answerOption.value.code',
  '%questionnaire.item.where(linkId = %context.linkId).type',
  "%questionnaire.item.where(linkId = 'a').answerOption.value.where(code = 'b').display",
  'linkId',
  'answer.value.code',
  'answer.value.empty() or answer.value > 3',
  '$this.answer.exists()',
  '-1 + 2 * 3 - 4 / 2',
  '1 | 2 | 1',
  '{}',
  '{} = 1',
  'true and {}',
];
const questionnaire = {
  resourceType: 'Questionnaire',
  status: 'active',
  item: [
    { linkId: 'a', type: 'choice', answerOption: [{ valueCoding: { code: 'b', display: 'B' } }, { valueInteger: 2 }] },
    { linkId: 'b', type: 'string' },
  ],
};

test.each(corpus)('%s', (text) => {
  expect(agree({ text, questionnaire, linkIds: ['a', 'b', 'c'] }, 60)).toBeGreaterThan(0.1);
});

const left = [
  "%resource.item.where(linkId = 'a').answer.value is Coding",
  '%resource.authored > today()',
  '%resource.item.answer.value.as(Coding).code',
  '%resource.descendants().where(answer.exists()).count()',
  '%resource.children().count()',
  "%resource.item.answer.value.toString().matches('a+')",
  "%resource.item.linkId.join(',')",
  '(1.5 + 2).round(1)',
  "%resource.item.answer.value ~ 'a'",
  '@2020-01-01 < today()',
  "5 'mg' > 4 'mg'",
  '-%resource.item.count()',
  '1 // two',
  '%resource.item.answer.weight().aggregate($total + %resource.item.answer.weight().aggregate($this + $total, 0), 0)',
  "'it\\'s'",
];

test.each(left)('%s is left to fhirpath.js, with the same answer', (text) => {
  const resource: any = {
    resourceType: 'QuestionnaireResponse',
    status: 'completed',
    item: [{ linkId: 'a', answer: [{ valueInteger: 2 }] }],
  };
  expect(compileExactly(text, functions)).toBeUndefined();
  const run = (compile: typeof compilePath) => {
    try {
      return compile(text, 'QuestionnaireResponse', functions).evaluate(resource, { resource, rootResource: resource });
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(run(createCompilePath(definitions))).toEqual(run(compilePath));
});

test.each([
  ['a wrong number of arguments', '%resource.item.where().linkId', 'syntax'],
  ['a function that nobody knows', '%resource.foo()', 'refused'],
  ['no expression', 'item.where(', 'syntax'],
  ['a length of 9 kB', `'${'a'.repeat(9000)}'`, 'costly'],
])('%s is refused as fhirpath.js alone would', (_name, text, kind) => {
  expect(() => createCompilePath(definitions)(text, 'QuestionnaireResponse')).toThrow(
    expect.objectContaining({ kind }),
  );
});

/** Bounded by what it counts, on any machine. */
test.each([
  [
    'each with each, three times',
    `%resource.item.select(${'%resource.item.select('.repeat(2)}%resource.item.linkId)))`,
  ],
  ['a text that doubles', "%resource.item.aggregate($total & $total, 'aaaaaaaaaaaaaaaa')"],
  ['a pattern with many states', `%resource.item.select('${'ab'.repeat(500)}'.matches('(?:a|b)*a(?:a|b){100}'))`],
  ['a list that doubles', '%resource.item.aggregate($total.combine($total), 1 | 2)'],
])('%s ends with a count', (_name, text) => {
  const item = Array.from({ length: 200 }, (_, at) => ({ linkId: `i${at}` }));
  const resource: any = { resourceType: 'QuestionnaireResponse', status: 'completed', item };
  const { evaluate } = createCompilePath(definitions)(text, 'QuestionnaireResponse', functions);
  expect(() => evaluate(resource, { resource })).toThrow(expect.objectContaining({ kind: 'costly' }));
});

test('what a form makes this server read is counted: closures once, fhirpath.js fifty times', () => {
  const compile = createCompilePath(definitions);
  const readOf = (text: (at: number) => string): number => {
    const reading = { left: limits.formExpressionTokens };
    for (let at = 0; at < 20_000; at += 1) {
      try {
        compile(text(at), 'QuestionnaireResponse', functions, reading);
      } catch (error) {
        expect(error).toMatchObject({ kind: 'costly', message: expect.stringContaining('too many and too long') });
        return at;
      }
    }
    return Infinity;
  };
  expect(readOf((at) => `a.b.c${at} = 1`)).toBe(Math.floor(limits.formExpressionTokens / 7));
  expect(readOf((at) => `today() > a${at}`)).toBe(Math.floor(limits.formExpressionTokens / (5 * 50)));
  expect(readOf((at) => `'${'x'.repeat(1600)}' = '${at}'`)).toBe(Math.floor(limits.formExpressionTokens / 101));
});

test('a variable keeps the types of what it found, whoever finds it', () => {
  const resource: any = {
    resourceType: 'QuestionnaireResponse',
    item: [{ linkId: 'a', answer: [{ valueInteger: 3 }, { valueDate: '2020-01-01' }] }],
  };
  for (const compile of [compilePath, createCompilePath(definitions)]) {
    const items = compile("%resource.item.where(linkId = 'a')", 'QuestionnaireResponse').find(resource, { resource });
    for (const other of [compilePath, createCompilePath(definitions)]) {
      const asked = (text: string) => other(text, 'QuestionnaireResponse').evaluate(resource, { resource, items });
      expect(asked('%items.answer.value')).toEqual([3, '2020-01-01']);
      expect(asked('%items.answer.value.first() > 2')).toEqual([true]);
      expect(asked('%items.answer.value.last() < @2021-01-01')).toEqual([true]);
    }
  }
});
