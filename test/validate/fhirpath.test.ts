/**
 * R4's invariants as closures say what fhirpath.js says, which others wrote: every expression of every type, asked of
 * random elements, with and without what it asks for. What we ask in place of R4's own words is asked of both as well.
 */
import fhirpath from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4';
import { loadDefinitions } from '../../src/fhir/definitions.js';
import { parseExpression } from '../../src/fhir/path/syntax.js';
import { amended, amendments, elsewhere } from '../../src/validate/invariants/amendments.js';
import { compile } from '../../src/fhir/path/compiler/compile.js';
import { Node } from '../../src/fhir/path/compiler/node.js';
import { createShapes } from '../../src/fhir/path/compiler/shapes.js';
import { invariantDialect } from '../../src/validate/invariants/fhirpath/dialect.js';
import { envOf } from '../../src/validate/invariants/walk.js';
import { createValidator } from '../../src/validate/validator.js';
import { randomFrom } from '../support/corpus.js';

const definitions = loadDefinitions();
const shapes = createShapes(definitions);
const { validate } = createValidator(definitions);
const ROUNDS = 6;

/** Functions that fhirpath.js has not, or only later FHIRPath has: asked of each side alone, below. */
const ours = /mayPrecede|comparable|matchesFull/;
/** Of resources that stand elsewhere. */
const beyond = /resolve\(\)|htmlChecks\(\)/;

/** TABLE: rule -> why both need not say the same. */
const differs: Readonly<Record<string, string>> = {
  'que-7': "fhirpath.js does not take R4's boolean for FHIRPath's Boolean; R4 means it so",
};

const asked = [...definitions.invariants]
  .flatMap(([path, rules]) => rules.map((rule) => ({ path, ...rule })))
  .filter(({ key }) => !Object.hasOwn(elsewhere, key))
  .flatMap(({ path, key, expression }) =>
    (amended(expression) ?? [{ expression }]).map(({ expression: text }) => ({ path, key, text })),
  )
  .filter(({ key, text }) => !Object.hasOwn(differs, key) && !ours.test(text) && !beyond.test(text));
const rows = [...new Map(asked.map((row) => [`${row.path} ${row.text}`, row])).values()].filter(({ text }) =>
  compiles(text),
);

function compiles(text: string): boolean {
  try {
    compile(parseExpression(text), invariantDialect);
    return true;
  } catch {
    return false;
  }
}

test('every rule of R4 is asked as it is written, in our words, or by code that the table names', () => {
  const rules = [...definitions.invariants.values()].flat();
  expect(rules.length).toBeGreaterThan(280);
  const lost = rules.filter(({ key, expression }) => {
    if (Object.hasOwn(elsewhere, key)) return false;
    return !(amended(expression) ?? [{ expression }]).every((one) => compiles(one.expression));
  });
  expect(lost.map(({ key }) => key)).toEqual([]);
  for (const [expression, list] of amendments) {
    expect([expression, rules.some((rule) => rule.expression === expression)]).toEqual([expression, true]);
    for (const { reason } of list) expect(reason).toMatch(/\w/);
  }
});

test('every rule says of random elements what fhirpath.js says', () => {
  const random = randomFrom(9);
  const wrong: string[] = [];
  const answers = { true: 0, false: 0, undefined: 0 };
  for (const { path, key, text } of rows) {
    const { truth } = compile(parseExpression(text), invariantDialect);
    const theirs = fhirpath.compile({ base: path, expression: text }, r4, { traceFn: () => undefined }) as (
      value: any,
      environment: any,
    ) => any[];
    const words = [...text.matchAll(/'([^']*)'/g)].map(([, word]) => word ?? '');
    for (let round = 0; round < ROUNDS; round += 1) {
      const resource = { resourceType: rootOf(path), ...make(path.split('.')[0]!, words, random, 3) };
      const focus = elementAt(path, resource, words, random);
      const root = new Node(resource, undefined, shapes(resource.resourceType)!);
      const node = new Node(focus, undefined, shapeAt(path));
      const ownAnswer = truth(node, { ...envOf(shapes, root, root), context: node });
      let other: boolean | undefined;
      try {
        const found = theirs(focus, { resource, rootResource: resource, ucum: 'http://unitsofmeasure.org' });
        other = found.length === 1 ? (typeof found[0] === 'boolean' ? found[0] : true) : undefined;
      } catch {
        continue; // it throws where several values stand for one; we give no answer there
      }
      answers[String(ownAnswer) as keyof typeof answers] += 1;
      if (ownAnswer !== other)
        wrong.push(`${key} ${text}: ${String(ownAnswer)}, not ${String(other)}, of ${JSON.stringify(focus)}`);
    }
  }
  expect(wrong.slice(0, 10)).toEqual([]);
  expect(answers.true).toBeGreaterThan(200);
  expect(answers.false).toBeGreaterThan(200);
});

/** TABLE: extension -> its value, where it may stand and where it may not (R4's contextInvariant). */
const text = { valueString: 'x' };
const coded = { valueCoding: { system: 'http://unitsofmeasure.org', code: 'mg' } };
const concept = { valueCodeableConcept: { text: 'x' } };
const places: Readonly<Record<string, [value: object, allowed: object, other: object]>> = {
  'list-changeBase': [{ valueReference: { display: 'x' } }, { mode: 'changes' }, { mode: 'working' }],
  'questionnaire-choiceOrientation': [{ valueCode: 'vertical' }, { type: 'choice' }, { type: 'string' }],
  'questionnaire-displayCategory': [concept, { type: 'display' }, { type: 'string' }],
  'questionnaire-fhirType': [text, { type: 'string' }, { type: 'display' }],
  'questionnaire-maxOccurs': [{ valueInteger: 2 }, { type: 'string', repeats: true }, { type: 'string' }],
  'questionnaire-minOccurs': [{ valueInteger: 2 }, { type: 'string', required: true }, { type: 'string' }],
  'questionnaire-referenceFilter': [text, { type: 'reference' }, { type: 'string' }],
  'questionnaire-referenceProfile': [
    { valueCanonical: 'http://example.org/p' },
    { type: 'reference' },
    { type: 'string' },
  ],
  'questionnaire-referenceResource': [{ valueCode: 'Patient' }, { type: 'reference' }, { type: 'string' }],
  'questionnaire-sliderStepValue': [{ valueInteger: 1 }, { type: 'integer' }, { type: 'string' }],
  'questionnaire-unit': [coded, { type: 'decimal' }, { type: 'string' }],
  'questionnaire-unitOption': [coded, { type: 'quantity' }, { type: 'string' }],
  'questionnaire-unitValueSet': [{ valueCanonical: 'http://example.org/v' }, { type: 'quantity' }, { type: 'string' }],
};

test.each(Object.entries(places))('R4 says of what %s may stand on', (name, [value, allowed, other]) => {
  const extension = [{ url: `http://hl7.org/fhir/StructureDefinition/${name}`, ...value }];
  const told = (on: object) =>
    validate(
      name.startsWith('list')
        ? { resourceType: 'List', status: 'current', ...on, extension }
        : { resourceType: 'Questionnaire', status: 'draft', item: [{ linkId: 'a', text: 'x', ...on, extension }] },
    )
      .filter(({ severity }) => severity !== 'information')
      .map(({ severity, diagnostics }) => `${severity} ${diagnostics}`);
  expect(told(allowed)).toEqual([]);
  expect(told(other)).toEqual([expect.stringMatching(/^warning R4 allows .* does not hold here/)]);
});

test('each extension that R4 allows under a condition has such a row', () => {
  const conditional = [...definitions.extensions].filter(([, { when }]) => when !== undefined);
  expect(conditional.map(([url]) => url.split('/').at(-1))).toEqual(Object.keys(places));
});

const rootOf = (path: string): string => {
  const [type = ''] = path.split('.');
  return definitions.types.get(type)?.kind === 'resource' && type !== 'DomainResource' ? type : 'Basic';
};

/** The shape of what a path leads to: of the element itself, or of its type. */
function shapeAt(path: string) {
  const own = shapes(path);
  if (own !== undefined && own.byKey.size > 0) return own;
  const at = path.lastIndexOf('.');
  const child = shapes(path.slice(0, at))?.byElement.get(path.slice(at + 1))?.[0];
  return child?.shape ?? own!;
}

/** An element at that path, as part of the resource where it belongs to one. */
function elementAt(path: string, resource: any, words: string[], random: () => number): any {
  const [type = '', ...steps] = path.split('.');
  if (steps.length === 0)
    return definitions.types.get(type)?.kind === 'resource' ? resource : make(type, words, random, 3);
  const shape = shapeAt(path);
  return shape.primitive ? valueOf(shape.name, words, random) : make(shape.name, words, random, 3);
}

const pick = <T>(list: readonly T[], random: () => number): T => list[Math.floor(random() * list.length)]!;

/** Any children of a type with any values: invariants look at what is there, and at words that they name. */
function make(name: string, words: string[], random: () => number, depth: number): any {
  const shape = shapes(name);
  const made: Record<string, unknown> = {};
  for (const [element, children] of shape?.byElement ?? []) {
    if (random() < 0.5 || ['extension', 'modifierExtension', 'contained', 'text', 'meta', 'id'].includes(element))
      continue;
    const child = pick(children, random);
    if (child.shape === undefined || (!child.shape.primitive && depth === 0)) continue;
    const one = () =>
      child.shape!.primitive
        ? valueOf(child.shape!.name, words, random)
        : make(child.shape!.name, words, random, depth - 1);
    const count = child.many ? 1 + Math.floor(random() * 3) : 1;
    const values = Array.from({ length: count }, one).filter(
      (value) => typeof value !== 'object' || Object.keys(value).length > 0,
    );
    if (values.length > 0) made[child.key] = child.many ? values : values[0];
  }
  return made;
}

function valueOf(type: string, words: string[], random: () => number): unknown {
  const lineage = shapes(type)?.lineage ?? new Set();
  if (type === 'boolean') return random() < 0.5;
  if (lineage.has('integer') || type === 'decimal') return Math.floor(random() * 4) - (random() < 0.2 ? 1 : 0);
  if (['date', 'dateTime', 'instant', 'time'].includes(type)) return type === 'time' ? '10:00:00' : '2024-05-01';
  return pick(['a', 'b.c', 'http://unitsofmeasure.org', '7', ...words, ...words], random);
}
