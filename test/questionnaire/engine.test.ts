/** The engine by itself: it runs in a browser, and some rules that HTTP refuses earlier for other reasons. */
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { build } from 'esbuild';
import { check, type Tools } from '../../src/questionnaire/check.js';
import { formOf } from '../../src/questionnaire/form.js';
import { nothingCompiled } from '../../src/questionnaire/formulas.js';
import { limits } from '../../src/kit/limits.js';
import { rules } from '../../src/questionnaire/issue.js';

const source = (name: string) => fileURLToPath(new URL(`../../src/questionnaire/${name}`, import.meta.url));

const tools = (): Tools => ({
  compile: () => {
    throw new Error('there is none here');
  },
  compiled: nothingCompiled(),
  unitOf: () => undefined,
  codesOf: () => ({ why: 'it is not here' }),
});

const form = {
  resourceType: 'Questionnaire',
  status: 'active',
  item: [
    { linkId: 'abstract', text: 'What?', type: 'question' },
    { linkId: 'who', text: 'Who?', type: 'reference' },
    { linkId: 'long', text: 'How?', type: 'string', maxLength: 3 },
  ],
};
const response = (...item: { linkId: string; answer: Record<string, unknown>[] }[]) => ({
  resourceType: 'QuestionnaireResponse',
  status: 'completed',
  item,
});
const rows: [string, Record<string, unknown>, string[]][] = [
  ['abstract', { valueString: 'x' }, ['fatal invalidType QuestionnaireResponse.item[0]']],
  [
    'who',
    { valueReference: { reference: 'just words' } },
    ['error invalidRefValue QuestionnaireResponse.item[0].answer[0].value'],
  ],
  [
    'who',
    { valueReference: { reference: 'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0', type: 'no type' } },
    ['error invalidRefResourceType QuestionnaireResponse.item[0].answer[0].value'],
  ],
  ['who', { valueReference: { reference: 'Patient/1' } }, []],
  ['long', { valueString: 'four' }, ['error maxLength QuestionnaireResponse.item[0].answer[0].value']],
];
const shown = (issues: ReturnType<typeof check>) =>
  issues.map(({ severity, details, expression }) => `${severity} ${details?.coding[0]?.code} ${expression?.[0]}`);

test.each(rows)('V6, V12, V23: %s answered by %j', (linkId, answer, expected) => {
  const found = check(formOf(form, 'The form'), response({ linkId, answer: [answer] }), tools());
  expect(shown(found)).toEqual(expected);
});

test('V15: patterns are read and run within a count', () => {
  const regex = (valueString: string) => [{ url: 'http://hl7.org/fhir/StructureDefinition/regex', valueString }];
  const item = (linkId: string, pattern: string) => ({
    linkId,
    text: 'W',
    type: 'string',
    repeats: true,
    extension: regex(pattern),
  });
  const long = (at: number) => `a${String(at).padStart(4, '0')}${'b?'.repeat(480)}`;
  const form = formOf(
    {
      resourceType: 'Questionnaire',
      status: 'active',
      item: Array.from({ length: 200 }, (_, at) => item(`q${at}`, long(at))),
    },
    'The form',
  );
  const read = [...form.questions.values()].filter(({ regex: one }) => typeof one !== 'string');
  expect(read.length).toBe(Math.floor(limits.formPatternCharacters / long(0).length));
  const one = formOf(
    { resourceType: 'Questionnaire', status: 'active', item: [item('a', '(?:a|b)*a(?:a|b){100}')] },
    'The form',
  );
  const answer = Array.from({ length: 50 }, (_, at) => ({ valueString: `${'ab'.repeat(1000)}${at}` }));
  const found = shown(check(one, response({ linkId: 'a', answer }), tools()));
  expect(found.filter((issue) => issue.startsWith('error regex')).length).toBeLessThan(20);
  expect(found.filter((issue) => issue.startsWith('warning tooCostly')).length).toBeGreaterThan(30);
});

test('V30: a modifierExtension that nobody knows refuses the answers to a form', () => {
  const modifierExtension = [{ url: 'http://example.org/other-meaning', valueBoolean: true }];
  const on = (one: object, item: object) =>
    formOf({ ...form, ...one, item: [{ ...form.item[2]!, ...item }] }, 'The form');
  const one = response({ linkId: 'long', answer: [{ valueString: 'abc' }] });
  expect(shown(check(on({}, {}), one, tools()))).toEqual([]);
  for (const [root, item] of [
    [{ modifierExtension }, {}],
    [{}, { modifierExtension }],
  ] as const) {
    expect(shown(check(on(root, item), one, tools()))).toEqual(['error modifierExtension QuestionnaireResponse']);
  }
});

test('what is told names the question and what was computed with', () => {
  const bound = { value: 1, system: 'http://unitsofmeasure.org', code: 'g' };
  const url = 'http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-maxQuantity';
  const own = formOf(
    {
      resourceType: 'Questionnaire',
      status: 'active',
      item: [
        { linkId: 'g', text: 'A group', type: 'group', item: [{ linkId: 'in', text: 'In it', type: 'string' }] },
        { linkId: 'dose', text: 'Dose', type: 'quantity', extension: [{ url, valueQuantity: bound }] },
      ],
    },
    'The form',
  );
  const wrong = response(
    { linkId: 'in', answer: [{ valueString: 'x' }] },
    { linkId: 'dose', answer: [{ valueQuantity: { ...bound, value: 2, unit: 'mg', code: 'kg' } }] },
  );
  const grams = (code: string) => ({ unit: 'g', factor: code === 'kg' ? 1000 : 1, offset: 0 });
  expect(check(own, wrong, { ...tools(), unitOf: grams }).map(({ diagnostics }) => diagnostics)).toEqual([
    '"In it" (in) belongs inside of "g", not here.',
    '"Dose" (dose) takes at most 1 g; found 2 mg (kg).',
  ]);
});

/** TABLE: rule -> why no response that is sent can break it; each is asked of the engine above, or where it says. */
const beyond: Readonly<Record<string, string>> = {
  invalidType: 'a form with the abstract type is refused as R4 has no such code',
  invalidRefValue: 'the structure of a Reference refuses it before',
  invalidRefResourceType: 'likewise: its type is one of R4',
  modifierExtension: 'a form with one is refused itself',
  status: 'it is about two versions: test/http/answers.test.ts, status moves',
};

/** TABLE: the same of forms. */
const beyondForms: Readonly<Record<string, string>> = {
  itemType: 'R4 has no such code, so the structure refuses it before',
};

test('every rule has rows that break it and rows that keep it, sent through HTTP', () => {
  const cases = (name: string) =>
    JSON.parse(readFileSync(new URL(`../cases/questionnaire/${name}.json`, import.meta.url), 'utf8'));
  const groups: { name: string; responses: { issues: string[] }[] }[] = cases('responses');
  const told = new Set(groups.flatMap(({ responses }) => responses.flatMap(({ issues }) => issues)).map(ruleIn));
  expect(Object.keys(rules).filter((rule) => !told.has(rule))).toEqual(Object.keys(beyond));
  for (const rule of [...Array(29).keys()].map((at) => at + 1).concat(31)) {
    const own = groups.filter(({ name }) => new RegExp(`^V${rule}\\b`).test(name));
    const kinds = new Set(own.flatMap(({ responses }) => responses.map(({ issues }) => issues.length > 0)));
    // What V6 is about R4 does not let anybody write; V28 says what is no exception.
    expect([rule, [...kinds].sort()]).toEqual([rule, rule === 6 ? [] : [false, true]]);
  }
  const forms: { name: string; issues: string[] }[] = cases('forms');
  const codes = [...new Set(lintFiles.flatMap(codesIn))];
  const broken = new Set(forms.flatMap(({ issues }) => issues).map(ruleIn));
  const kept = new Set(
    forms.filter(({ issues }) => issues.length === 0).flatMap(({ name }) => name.split(':')[0]!.split(', ')),
  );
  expect(codes.filter((code) => !broken.has(code))).toEqual(Object.keys(beyondForms));
  expect(codes.filter((code) => !kept.has(code))).toEqual(Object.keys(beyondForms));
});

const ruleIn = (issue: string): string => issue.split(' ')[1] ?? '';

/** Codes that issues carry are codes that a client can look up. */
test.each<[string, () => string[]]>([
  ['response-rules', () => Object.keys(rules)],
  ['questionnaire-rules', () => [...new Set(lintFiles.flatMap(codesIn))]],
])('the code system %s has the codes that are used', (name, used) => {
  const { concept } = JSON.parse(
    readFileSync(new URL(`../../conformance/CodeSystem-${name}.json`, import.meta.url), 'utf8'),
  );
  expect(concept.map(({ code }: any) => code).sort()).toEqual(used().sort());
});

const lintFiles = ['lint.ts', ...readdirSync(source('lint')).map((name) => `lint/${name}`)];
const codesIn = (name: string) =>
  [...readFileSync(source(name), 'utf8').matchAll(/(?:rule: |(?:tell|found)\(\s*'\w+',\s*)'([\w-]+)'/g)].map(
    ([, code = '']) => code,
  );

/** Built for the browser, where a Node module or `process` would be missing; then run with nothing but the language. */
test('it runs where there is no Node', async () => {
  const bundle = await build({
    stdin: {
      contents: `
        import { check } from ${JSON.stringify(source('check.ts'))};
        import { formOf } from ${JSON.stringify(source('form.ts'))};
        import { lint } from ${JSON.stringify(source('lint.ts'))};
        import { compileExactly } from ${JSON.stringify(source('../fhir/path/exact.ts'))};
        import { createShapes } from ${JSON.stringify(source('../fhir/path/compiler/shapes.ts'))};
        globalThis.engine = { check, formOf, lint, compileExactly, createShapes };`,
      resolveDir: source('.'),
    },
    bundle: true,
    platform: 'browser',
    format: 'iife',
    write: false,
    logLevel: 'silent',
    metafile: true,
  });
  const inputs = Object.keys(bundle.metafile.inputs).join('\n');
  for (const file of readdirSync(source('rules')).filter((name) => name !== 'rule.ts'))
    expect(inputs).toContain(`rules/${file}`);
  expect(inputs).not.toMatch(/node:|node_modules\/(?!re2js)|path\/engine|quantity/);
  const world: any = { TextDecoder };
  world.globalThis = world;
  runInNewContext(bundle.outputFiles[0]!.text, world);
  const own = world.engine.check(
    world.engine.formOf(form, 'The form'),
    response({ linkId: 'long', answer: [{ valueString: 'four' }] }),
    tools(),
  );
  expect(shown(own)).toEqual(['error maxLength QuestionnaireResponse.item[0].answer[0].value']);
  const shipped = JSON.parse(readFileSync(new URL('../../questionnaires/skin-lesion.json', import.meta.url), 'utf8'));
  expect(world.engine.lint(shipped, () => undefined).filter(({ severity }: any) => severity === 'error')).toEqual([]);
});
