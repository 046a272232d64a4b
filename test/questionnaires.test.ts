/** The forms that the project ships, their codes and their examples say what their sources say and agree with one another. */
import { readdirSync } from 'node:fs';
import fhirpath from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4';
import type { Questionnaire, QuestionnaireResponse, QuestionnaireResponseItem } from 'fhir/r4.js';
import { generate } from '../questionnaires/source/generate.js';
import {
  codeSystems,
  codings,
  core,
  examplesOf,
  extensions,
  file,
  find,
  flat,
  formNamed,
  forms,
  json,
  nameOf,
  phq9,
  sources,
} from './support/forms.js';

const INSTRUMENTS = ['audit', 'audit-c', 'gad-7', 'phq-2', 'phq-9'];
const INTAKES = [
  'contact-dermatitis',
  'diabetic-retinopathy',
  'migraine',
  'sinusitis',
  'skin-lesion',
  'urinary-tract-infection',
];

const UCUM = 'http://unitsofmeasure.org';

test('every form is checked here, and has examples', () => {
  expect(forms.map(nameOf).sort()).toEqual([...INSTRUMENTS, ...INTAKES].sort());
  expect(codeSystems.map(nameOf).sort()).toEqual(['instruments', ...INTAKES].sort());
  const examples = readdirSync(new URL('../questionnaires/examples', import.meta.url));
  expect(examples.sort()).toEqual(forms.map((form) => `${nameOf(form)}.json`).sort());
});

test('the files are what `npm run forms` makes of their source', () => {
  for (const [name, content] of Object.entries(generate())) {
    expect([name, json(`questionnaires/${name}`)]).toEqual([name, JSON.parse(JSON.stringify(content))]);
  }
});

test.each(
  [...forms, ...codeSystems].map((resource) => [`${resource.resourceType}/${resource.id!}`, resource] as const),
)('%s is identified, versioned and described', (_, resource) => {
  expect(resource.id).toMatch(/^[A-Za-z0-9.-]{1,64}$/);
  // What is shipped carries its version in the id, so that an old one stays when a new one comes.
  const name = resource.id!.replace(`-${resource.version!}`, '');
  expect(resource.id).toBe(`${name}-${resource.version!}`);
  expect(resource.url).toBe(`http://afferent.health/fhir/${resource.resourceType}/${name}`);
  expect(resource.version).toMatch(/^\d+\.\d+\.\d+$/);
  expect(resource.name).toMatch(/^[A-Z]\w{0,254}$/);
  expect(resource.description?.length).toBeGreaterThan(40);
  expect(resource.status).toBe('active');
});

test.each(codeSystems.map((one) => [nameOf(one), one] as const))('%s counts its codes, each once', (_, system) => {
  const defined = system.concept!.map(({ code }) => code);
  expect([system.content, system.count, new Set(defined).size]).toEqual(['complete', defined.length, defined.length]);
});

test.each(codeSystems.map((one) => [nameOf(one), one] as const))(
  'the forms use every code of %s, and no other, under one display',
  (_, { url, concept }) => {
    const used = codings(forms).filter(({ system }) => system === url);
    const defined = new Map(concept!.map(({ code, display }) => [code, display]));
    expect([...new Set(used.map(({ code }) => code))].sort()).toEqual([...defined.keys()].sort());
    for (const { code, display } of used) expect(display ?? defined.get(code)).toBe(defined.get(code));
  },
);

describe.each(forms.map((form) => [nameOf(form), form] as const))('the form %s', (_, form) => {
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
    for (const { when, at, item } of conditions) {
      const target = items.findIndex(({ linkId }) => linkId === when.question);
      expect(target).toBeGreaterThanOrEqual(0);
      expect(target).toBeLessThan(at);
      const question = items[target]!;
      if (when.answerInteger !== undefined) {
        expect([question.type, ['>=', '<'].includes(when.operator)]).toEqual(['integer', true]);
      } else expect(when.operator).toBe('=');
      if (when.answerCoding) {
        const options = question.answerOption!.map(({ valueCoding }) => valueCoding!.code);
        expect(options).toContain(when.answerCoding.code);
      } else if (when.answerInteger === undefined) {
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
    const systems = [...new Set(used.map(({ system }) => system))].filter((system) => system !== UCUM);
    expect(systems.filter((system) => !sources.includes(`System \`${String(system)}\``))).toEqual([]);
  });
});

describe.each(INTAKES.map((name) => [name, formNamed(name)] as const))('the intake %s', (name, form) => {
  const items = flat(form.item);
  const leaves = items.filter(({ type }) => type !== 'group');

  test('says that no clinician has reviewed it', () => {
    expect(form.experimental).toBe(true);
    expect(form.purpose).toMatch(/^NEEDS CLINICAL REVIEW/);
    expect(form.description).toContain('do not use it for care');
    expect(sources).toContain(`## \`${name}.json\``);
  });

  test('has 15 to 40 items beside its groups, with branches, each question coded by its linkId', () => {
    const asked = leaves.filter(({ linkId }) => linkId !== 'urgent-flag');
    expect(asked.length).toBeGreaterThanOrEqual(15);
    expect(asked.length).toBeLessThanOrEqual(40);
    expect(asked.filter(({ enableWhen, type }) => enableWhen && type !== 'display').length).toBeGreaterThan(0);
    for (const { linkId, code, type } of leaves) if (type !== 'display') expect(code![0]!.code).toBe(linkId);
  });

  test('requires each of its sections, or one that is left out would not be missed', () => {
    const sections = form.item!.filter(({ type }) => type === 'group');
    expect(sections.length).toBeGreaterThan(2);
    expect(sections.filter(({ required }) => required !== true)).toEqual([]);
  });

  test('bounds what it takes: kinds and bytes of images, ranges of numbers', () => {
    for (const item of items.filter(({ type }) => type === 'attachment')) {
      expect(extensions(item, 'mimeType').map(({ valueCode }) => valueCode)).toEqual(['image/jpeg', 'image/png']);
      expect(extensions(item, 'maxSize').map(({ valueDecimal }) => valueDecimal)).toEqual([20 * 1024 * 1024]);
      expect(item.repeats).toBe(true);
    }
    for (const item of items.filter(({ type }) => type === 'integer' || type === 'decimal')) {
      expect([item.linkId, extensions(item, 'minValue').length, extensions(item, 'maxValue').length]).toEqual([
        item.linkId,
        1,
        1,
      ]);
    }
  });

  test('has an example for each message that cannot wait, and for each kind of mistake', () => {
    const examples = examplesOf(form);
    const messages = items.filter(({ linkId }) => linkId.startsWith('urgent-') || linkId.endsWith('-urgent'));
    const shown = messages.filter(({ type }) => type === 'display').map(({ linkId }) => `shows ${linkId}`);
    expect(shown.length).toBeGreaterThanOrEqual(3);
    const urgent = examples.filter((one) => one.urgent === true).map((one) => one.name);
    expect(urgent.sort()).toEqual(shown.sort());
    const refused = examples.map(({ verdict }) => verdict).filter((verdict) => verdict !== 'accepted');
    expect(refused).toEqual(
      expect.arrayContaining(['required', 'minValue', 'repeats', 'invalidAnswerOption', 'notEnabled']),
    );
    for (const { at } of examples) if (at !== undefined) expect(find(form, at)).toBeDefined();
  });
});

/** What the form calculates for an item, of a response. */
async function calculated(form: Questionnaire, linkId: string, resource: QuestionnaireResponse): Promise<unknown[]> {
  const { valueExpression } = find(form, linkId).extension!.find(({ url }) => url.endsWith('-calculatedExpression'))!;
  const variables = { resource, questionnaire: form };
  return fhirpath.evaluate(resource, valueExpression!.expression!, variables, r4, { async: true });
}

const answersIn = (items: QuestionnaireResponseItem[] = []): QuestionnaireResponseItem[] =>
  items.flatMap((item) => [...(item.answer ? [item] : []), ...answersIn(item.item)]);
const given = (response: QuestionnaireResponse, linkId: string) =>
  answersIn(response.item).find((item) => item.linkId === linkId)?.answer?.[0];

/** Of each answer the weight that its option has: added up here without the form's own expression. */
function weighed(form: Questionnaire, { item }: QuestionnaireResponse): number {
  const weights = answersIn(item).map(({ linkId, answer }) => {
    const option = find(form, linkId).answerOption?.find(
      ({ valueCoding }) => valueCoding?.code === answer?.[0]?.valueCoding?.code,
    );
    return option?.extension?.find(({ url }) => url === `${core}ordinalValue`)?.valueDecimal ?? 0;
  });
  return weights.reduce((sum, weight) => sum + weight, 0);
}

describe.each(forms.map((form) => [nameOf(form), form] as const))('the examples of %s', (name, form) => {
  const total = flat(form.item).find((item) => item.type === 'integer' && item.readOnly)?.linkId;

  test.each(examplesOf(form).map((example) => [example.name, example] as const))(
    '%s: what is calculated is what is expected',
    async (_, { verdict, total: expected, band, urgent, response }) => {
      expect(response.questionnaire).toBe(`${form.url!}|${form.version!}`);
      if (expected !== undefined) {
        expect([weighed(form, response), await calculated(form, total!, response)]).toEqual([expected, [expected]]);
        expect(given(response, total!)?.valueInteger === expected).toBe(verdict !== 'calculatedValue');
      } else if (INSTRUMENTS.includes(name) && verdict === 'required') {
        expect(await calculated(form, total!, response)).toEqual([]);
        expect(await calculated(form, 'band', response)).toEqual([]);
      }
      if (band !== undefined) {
        expect(await calculated(form, 'band', response)).toEqual([expect.objectContaining({ code: band })]);
        expect(given(response, 'band')?.valueCoding?.code).toBe(band);
      }
      if (urgent !== undefined) {
        expect(await calculated(form, 'urgent-flag', response)).toEqual([urgent]);
        expect(given(response, 'urgent-flag')?.valueBoolean).toBe(urgent);
      }
    },
  );
});

describe('the instruments', () => {
  const scored = (name: string) => flat(formNamed(name).item).filter(({ code, required }) => code && required);
  const weights = (name: string) =>
    scored(name).map(({ answerOption }) => answerOption!.map(({ extension }) => extension![0]!.valueDecimal));
  const [three, four, two] = [
    [0, 1, 2, 3],
    [0, 1, 2, 3, 4],
    [0, 2, 4],
  ];

  test.each([
    ['phq-2', '55757-9', ['44250-9', '44255-8'], '55758-7', [three, three]],
    [
      'gad-7',
      '69737-5',
      ['69725-0', '68509-9', '69733-4', '69734-2', '69735-9', '69689-8', '69736-7'],
      '70274-6',
      Array<number[]>(7).fill(three),
    ],
    [
      'audit',
      '72110-0',
      [
        ...['68518-0', '68519-8', '68520-6', '97734-8', '97735-5'],
        ...['97736-3', '97737-1', '97738-9', '97739-7', '97740-5'],
      ],
      '75624-7',
      [...Array<number[]>(8).fill(four), two, two],
    ],
    ['audit-c', '72109-2', ['68518-0', '68519-8', '68520-6'], '75626-2', [four, four, four]],
  ])('%s has its published items, weights and codes, all required', (name, panel, order, total, expected) => {
    const form = formNamed(name);
    expect(form.code![0]).toMatchObject({ system: 'http://loinc.org', code: panel });
    expect(scored(name).map(({ linkId }) => linkId)).toEqual(order);
    expect(scored(name).map(({ code }) => code![0]!.code)).toEqual(order);
    expect(weights(name)).toEqual(expected);
    expect(find(form, total)).toMatchObject({ type: 'integer', readOnly: true, code: [{ code: total }] });
  });

  test.each(INSTRUMENTS)('%s accounts for every code in SOURCES.md and carries the notices', (name) => {
    const form = formNamed(name);
    for (const { code, system } of codings(form)) {
      if (system === 'http://loinc.org') expect([code, sources.includes(`| ${code} |`)]).toEqual([code, true]);
    }
    expect(form.copyright).toContain('This content from LOINC® is copyright © 1995 Regenstrief Institute, Inc.');
    const terms = name.startsWith('audit')
      ? /Copyright © 2001 World Health Organization\. .* in the public domain/
      : /No permission required to reproduce, translate, display or distribute/;
    expect(form.copyright).toMatch(terms);
    expect(file('NOTICE')).toContain(`questionnaires/${name}.json`);
  });
});

describe('the PHQ-9', () => {
  const scored = find(phq9, 'problems').item!;

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
