/** The forms, codes and profiles that the project ships say what their sources say and agree with one another. */
import { readdirSync, readFileSync } from 'node:fs';
import fhirpath from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4';
import type {
  CodeSystem,
  Questionnaire,
  QuestionnaireItem,
  QuestionnaireItemEnableWhen,
  QuestionnaireResponseItem,
  QuestionnaireResponseItemAnswer,
  SearchParameter,
  StructureDefinition,
} from 'fhir/r4.js';

const file = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const json = (path: string): any => JSON.parse(file(path));
const phq9: Questionnaire = json('questionnaires/phq-9.json');
const skinLesion: Questionnaire = json('questionnaires/skin-lesion.json');
const codes: CodeSystem = json('questionnaires/skin-lesion-codes.json');
const consultTask: StructureDefinition = json('profiles/afferent-consult-task.json');
const supportingInfo: SearchParameter = json('conformance/SearchParameter-servicerequest-supporting-info.json');
const sources = file('questionnaires/SOURCES.md');
const forms = [['phq-9', phq9] as const, ['skin-lesion', skinLesion] as const];
const shipped = [phq9, skinLesion, codes, consultTask, supportingInfo];

const core = 'http://hl7.org/fhir/StructureDefinition/';
const flat = (items: QuestionnaireItem[] = []): QuestionnaireItem[] =>
  items.flatMap((item) => [item, ...flat(item.item)]);
const find = (form: Questionnaire, linkId: string) => flat(form.item).find((item) => item.linkId === linkId)!;
const extensions = (item: QuestionnaireItem, name: string) =>
  (item.extension ?? []).filter(({ url }) => url === core + name);

/** Every object inside a value that is a Coding. */
function codings(value: unknown): { system: string; code: string; display?: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = 'system' in value && 'code' in value ? [value as { system: string; code: string }] : [];
  return [...own, ...Object.values(value).flatMap(codings)];
}

test('every JSON file of the three folders is checked here', () => {
  const listed = ['questionnaires', 'profiles'].flatMap((folder) =>
    readdirSync(new URL(`../${folder}`, import.meta.url)).filter((name) => name.endsWith('.json')),
  );
  expect(listed.sort()).toEqual([
    'afferent-consult-task.json',
    'phq-9.json',
    'skin-lesion-codes.json',
    'skin-lesion.json',
  ]);
});

test.each(shipped.map((resource) => [`${resource.resourceType}/${resource.id!}`, resource] as const))(
  '%s is identified, versioned and described',
  (_, resource) => {
    expect(resource.id).toMatch(/^[A-Za-z0-9.-]{1,64}$/);
    const tail = resource.resourceType === 'Questionnaire' ? resource.id! : resource.url!.split('/').at(-1)!;
    expect(resource.url).toBe(`http://afferent.health/fhir/${resource.resourceType}/${tail}`);
    expect(tail).toBe(resource.id);
    expect(resource.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(resource.name).toMatch(/^[A-Z]\w{0,254}$/);
    expect(resource.description?.length).toBeGreaterThan(40);
    expect(resource.status).toBe('active');
  },
);

describe.each(forms)('the form %s', (_, form) => {
  const items = flat(form.item);

  test('names its subject and its copyright, and claims no profile', () => {
    expect(form.subjectType).toEqual(['Patient']);
    expect(form.copyright).toBeTruthy();
    expect(form.meta?.profile).toBeUndefined();
  });

  test('gives every item a linkId of its own', () => {
    expect(new Set(items.map(({ linkId }) => linkId)).size).toBe(items.length);
  });

  test('asks what an enableWhen needs before it is needed, with an answer of the same type', () => {
    const conditions = items.flatMap((item, at) => (item.enableWhen ?? []).map((when) => ({ when, at, item })));
    expect(conditions.length).toBeGreaterThan(0);
    for (const { when, at, item } of conditions) {
      const target = items.findIndex(({ linkId }) => linkId === when.question);
      expect(target).toBeGreaterThanOrEqual(0);
      expect(target).toBeLessThan(at);
      const question = items[target]!;
      expect(when.operator).toBe('=');
      if (when.answerCoding) {
        const options = question.answerOption!.map(({ valueCoding }) => valueCoding!.code);
        expect(options).toContain(when.answerCoding.code);
      } else {
        expect(question.type).toBe('boolean');
        expect(typeof when.answerBoolean).toBe('boolean');
      }
      if (item.enableWhen!.length > 1) expect(item.enableBehavior).toBeDefined();
    }
  });

  test('keeps R4’s rules for groups, displays and options', () => {
    for (const item of items) {
      expect(item.item !== undefined).toBe(item.type === 'group');
      expect(item.answerOption !== undefined).toBe(item.type === 'choice' || item.type === 'open-choice');
      if (item.type === 'display') {
        expect(item.code ?? item.required ?? item.repeats ?? item.readOnly ?? item.initial).toBeUndefined();
      }
      const counted = [...extensions(item, 'questionnaire-minOccurs'), ...extensions(item, 'questionnaire-maxOccurs')];
      if (counted.length > 0) expect(item.repeats).toBe(true);
      if (extensions(item, 'questionnaire-minOccurs').length > 0) expect(item.required).toBe(true);
    }
  });

  test('takes codes from systems that SOURCES.md accounts for', () => {
    const used = codings(form);
    expect(used.length).toBeGreaterThan(0);
    for (const { system } of used) expect(sources).toContain(`System \`${system}\``);
  });
});

describe('the PHQ-9', () => {
  const scored = find(phq9, 'problems').item!;
  const total = find(phq9, '44261-6');

  test('has its nine items in the published order, all required', () => {
    const order = '44250-9 44255-8 44259-0 44254-1 44251-7 44258-2 44252-5 44253-3 44260-8'.split(' ');
    expect(scored.map(({ linkId }) => linkId)).toEqual(order);
    expect(scored.map(({ code }) => code)).toEqual(
      order.map((code) => [expect.objectContaining({ system: 'http://loinc.org', code })]),
    );
    expect(scored.every(({ required, type }) => required === true && type === 'choice')).toBe(true);
  });

  test.each(scored.map((item) => [item.linkId, item] as const))('weighs the answers to %s from 0 to 3', (_, item) => {
    const weighed = item.answerOption!.map(({ valueCoding, extension }) => [
      valueCoding!.code,
      valueCoding!.display,
      extension!.map(({ url, valueDecimal }) => [url, valueDecimal]),
    ]);
    expect(weighed).toEqual([
      ['LA6568-5', 'Not at all', [[`${core}ordinalValue`, 0]]],
      ['LA6569-3', 'Several days', [[`${core}ordinalValue`, 1]]],
      ['LA6570-1', 'More than half the days', [[`${core}ordinalValue`, 2]]],
      ['LA6571-9', 'Nearly every day', [[`${core}ordinalValue`, 3]]],
    ]);
  });

  test('asks for difficulty without scoring it', () => {
    const { answerOption, required } = find(phq9, '69722-7');
    expect(required).toBe(false);
    expect(answerOption!.map(({ valueCoding }) => valueCoding!.code)).toEqual([
      'LA6572-7',
      'LA6573-5',
      'LA6575-0',
      'LA6574-3',
    ]);
    expect(answerOption!.some(({ extension }) => extension !== undefined)).toBe(false);
  });

  test('accounts for every code in SOURCES.md and carries both notices', () => {
    for (const { code } of codings(phq9)) expect(sources).toContain(`| ${code} |`);
    expect(phq9.copyright).toMatch(/No permission required to reproduce, translate, display or distribute/);
    expect(phq9.copyright).toContain('This content from LOINC® is copyright © 1995 Regenstrief Institute, Inc.');
    expect(file('NOTICE').replace(/\s+/g, ' ')).toContain('at no cost under the license at https://loinc.org/license/');
  });

  const response = (answered: number, weight: number) => ({
    resourceType: 'QuestionnaireResponse',
    status: 'in-progress',
    item: [
      {
        linkId: 'problems',
        item: scored.slice(0, answered).map(({ linkId, answerOption }) => ({
          linkId,
          answer: [{ valueCoding: answerOption![weight]!.valueCoding }],
        })),
      },
      { linkId: '69722-7', answer: [{ valueCoding: find(phq9, '69722-7').answerOption![3]!.valueCoding }] },
    ],
  });

  test.each([
    [9, 3, [27]],
    [9, 1, [9]],
    [9, 0, [0]],
    [8, 3, []],
    [0, 0, []],
  ])('with %i items answered at weight %i calculates the total %j', async (answered, weight, expected) => {
    const { valueExpression } = total.extension!.find(({ url }) => url.endsWith('-calculatedExpression'))!;
    const resource = response(answered, weight);
    const variables = { resource, questionnaire: phq9 };
    const score = await fhirpath.evaluate(resource, valueExpression!.expression!, variables, r4, { async: true });
    expect(score).toEqual(expected);
    expect([total.type, total.readOnly]).toEqual(['integer', true]);
  });

  test('tells the patient what to do after any sign of self-harm', () => {
    const message = find(phq9, 'safety-message');
    expect(message.enableBehavior).toBe('any');
    expect(message.enableWhen!.map(({ question, answerCoding }) => [question, answerCoding!.code])).toEqual([
      ['44260-8', 'LA6569-3'],
      ['44260-8', 'LA6570-1'],
      ['44260-8', 'LA6571-9'],
    ]);
  });
});

describe('the skin lesion intake', () => {
  const items = flat(skinLesion.item);
  const defined = new Map(codes.concept!.map((concept) => [concept.code, concept]));

  test('says that it is not reviewed', () => {
    expect([skinLesion.experimental, codes.experimental]).toEqual([true, true]);
    expect(skinLesion.purpose).toMatch(/^NEEDS CLINICAL REVIEW/);
    expect(skinLesion.description).toContain('do not use it for care');
  });

  test('uses each code of its CodeSystem, and no other, under one display', () => {
    const used = codings(skinLesion);
    expect(used.every(({ system }) => system === codes.url)).toBe(true);
    expect([...new Set(used.map(({ code }) => code))].sort()).toEqual([...defined.keys()].sort());
    for (const { code, display } of used)
      expect(display ?? defined.get(code)!.display).toBe(defined.get(code)!.display);
    expect([codes.content, codes.count, defined.size]).toEqual(['complete', codes.concept!.length, codes.count]);
  });

  test('has between 15 and 40 items beside its groups, each question coded by its linkId', () => {
    const leaves = items.filter(({ type }) => type !== 'group');
    expect(leaves.length).toBeGreaterThanOrEqual(15);
    expect(leaves.length).toBeLessThanOrEqual(40);
    for (const { linkId, code, type } of leaves) if (type !== 'display') expect(code![0]!.code).toBe(linkId);
  });

  test('takes photographs as JPEG or PNG of at most 20 MB, at least one overview and two close-ups', () => {
    const photographs = items.filter(({ type }) => type === 'attachment');
    expect(photographs.map(({ linkId }) => linkId)).toEqual([
      'photograph-overview',
      'photograph-close-up',
      'photograph-dermoscopy',
    ]);
    for (const item of photographs) {
      expect(extensions(item, 'mimeType').map(({ valueCode }) => valueCode)).toEqual(['image/jpeg', 'image/png']);
      expect(extensions(item, 'maxSize').map(({ valueDecimal }) => valueDecimal)).toEqual([20 * 1024 * 1024]);
    }
    expect(photographs.map(({ required }) => required ?? false)).toEqual([true, true, false]);
    expect(extensions(photographs[1]!, 'questionnaire-minOccurs').map(({ valueInteger }) => valueInteger)).toEqual([2]);
  });

  test.each([
    ['urgent-swelling', ['face-throat-swelling=true']],
    ['urgent-infection', ['fever-spreading=true']],
    ['urgent-eye-or-mucosa', ['eye-or-mucosa=true']],
    ['urgent-growth-and-bleeding', ['growth=rapid-growth', 'bleeding=true']],
  ])('shows %s when %j', (linkId, expected) => {
    const { type, enableWhen, enableBehavior } = find(skinLesion, linkId);
    const said = enableWhen!.map((when) => `${when.question}=${String(when.answerCoding?.code ?? when.answerBoolean)}`);
    expect([type, said]).toEqual(['display', expected]);
    expect(enableBehavior).toBe(expected.length > 1 ? 'all' : undefined);
  });
});

describe('the example response to the skin lesion intake', () => {
  const response: QuestionnaireResponseItem[] = json('test/data/skin-lesion-response.json');
  const answers = new Map<string, QuestionnaireResponseItemAnswer[]>();
  const collect = (item: QuestionnaireResponseItem): void => {
    if (item.answer) answers.set(item.linkId, item.answer);
    item.item?.forEach(collect);
  };
  response.forEach(collect);
  const holds = ({ question, answerBoolean, answerCoding }: QuestionnaireItemEnableWhen) =>
    (answers.get(question) ?? []).some((answer) =>
      answerCoding ? answer.valueCoding?.code === answerCoding.code : answer.valueBoolean === answerBoolean,
    );
  const enabled = ({ enableWhen = [], enableBehavior }: QuestionnaireItem) =>
    enableWhen.length === 0 || (enableBehavior === 'any' ? enableWhen.some(holds) : enableWhen.every(holds));
  const kinds: Record<string, string> = {
    boolean: 'valueBoolean',
    integer: 'valueInteger',
    string: 'valueString',
    text: 'valueString',
    attachment: 'valueAttachment',
    choice: 'valueCoding',
    'open-choice': 'valueCoding',
  };

  test.each(flat(skinLesion.item).map((item) => [item.linkId, item] as const))('treats %s as asked', (_, item) => {
    const given = answers.get(item.linkId) ?? [];
    const atLeast = extensions(item, 'questionnaire-minOccurs')[0]?.valueInteger ?? (item.required ? 1 : 0);
    const atMost = item.repeats ? (extensions(item, 'questionnaire-maxOccurs')[0]?.valueInteger ?? Infinity) : 1;
    const asked = item.type in kinds && enabled(item);
    expect(given.length).toBeGreaterThanOrEqual(asked ? atLeast : 0);
    expect(given.length).toBeLessThanOrEqual(asked ? atMost : 0);
    const options = item.answerOption?.map(({ valueCoding }) => valueCoding);
    for (const answer of given) {
      expect(Object.keys(answer)).toEqual([kinds[item.type]]);
      if (options) expect(options).toContainEqual(answer.valueCoding);
    }
  });

  test('keeps the order, the nesting and the texts of the form', () => {
    const shape = (item: QuestionnaireResponseItem): unknown => [item.linkId, item.text, (item.item ?? []).map(shape)];
    const expected = (items: QuestionnaireItem[]): unknown[] =>
      items
        .filter(({ linkId, type }) => type === 'group' || answers.has(linkId))
        .map((item) => [item.linkId, item.text, expected(item.item ?? [])]);
    expect(response.map(shape)).toEqual(expected(skinLesion.item!));
  });
});

describe('the consult Task profile', () => {
  const elements = consultTask.differential!.element;
  const example = json('profiles/examples/Task-consult-example.json');

  test('constrains Task and says so', () => {
    expect(consultTask).toMatchObject({
      type: 'Task',
      kind: 'resource',
      derivation: 'constraint',
      fhirVersion: '4.0.1',
    });
    expect(consultTask.baseDefinition).toBe('http://hl7.org/fhir/StructureDefinition/Task');
    expect(elements.every(({ id, path }) => id === path && path.split('.')[0] === 'Task')).toBe(true);
    const required = elements.filter(({ min }) => min === 1).map(({ path }) => path.slice('Task.'.length));
    expect(required).toEqual('identifier status intent code focus for authoredOn lastModified requester'.split(' '));
    const supported = elements.filter(({ mustSupport }) => mustSupport).map(({ path }) => path);
    expect(supported).toEqual(expect.arrayContaining(['Task.owner', 'Task.output']));
  });

  test.each(elements.filter(({ path }) => path !== 'Task').map((element) => [element.path, element] as const))(
    'is kept by the example at %s',
    (path, { min = 0, fixedCode, type }) => {
      const found = fhirpath.evaluate(example, path) as any[];
      expect(found.length).toBeGreaterThanOrEqual(min);
      if (fixedCode) expect(found).toEqual([fixedCode]);
      const targets = type?.flatMap(({ targetProfile = [] }) => targetProfile) ?? [];
      if (targets.length > 0) {
        expect(targets).toContain(`http://hl7.org/fhir/StructureDefinition/${found[0].reference.split('/')[0]}`);
      }
    },
  );

  test.each([
    ['consult-1', {}, [true]],
    ['consult-1', { output: undefined }, [false]],
    ['consult-2', {}, [true]],
    ['consult-2', { status: 'rejected' }, [false]],
    ['consult-2', { status: 'rejected', statusReason: { text: 'Outside our field' } }, [true]],
  ])('rule %s on the example with %j is %j', (key, change, expected) => {
    const { expression } = elements[0]!.constraint!.find((rule) => rule.key === key)!;
    const task = JSON.parse(JSON.stringify({ ...example, ...change }));
    expect(fhirpath.evaluate(task, expression!, undefined, r4)).toEqual(expected);
    expect(example.meta.profile).toEqual([consultTask.url]);
  });
});

test('the search parameter finds orders by what supports them', () => {
  expect(supportingInfo).toMatchObject({
    base: ['ServiceRequest'],
    code: 'supporting-info',
    type: 'reference',
    expression: 'ServiceRequest.supportingInfo',
    multipleOr: true,
    multipleAnd: true,
  });
});

test('the demonstration’s patient is one synthetic Patient with name, address and identifiers', () => {
  const patient = json('test/data/synthea/patient.json');
  expect(patient).toMatchObject({ resourceType: 'Patient', name: expect.any(Array), address: expect.any(Array) });
  expect(patient.identifier.length).toBeGreaterThan(1);
  expect(file('test/data/synthea/README.md')).toContain('Apache License, Version 2.0');
});
