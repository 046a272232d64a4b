/** The forms that the project ships, and their codes, say what their sources say and agree with one another. */
import { readdirSync } from 'node:fs';
import fhirpath from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4';
import { codes, codings, core, extensions, file, find, flat, phq9, skinLesion, sources } from './support/forms.js';

const forms = [['phq-9', phq9] as const, ['skin-lesion', skinLesion] as const];
const shipped = [phq9, skinLesion, codes];

test('every form and CodeSystem of the folder is checked here', () => {
  const listed = readdirSync(new URL('../questionnaires', import.meta.url)).filter((name) => name.endsWith('.json'));
  expect(listed.sort()).toEqual(['phq-9.json', 'skin-lesion-codes.json', 'skin-lesion.json']);
});

test.each(shipped.map((resource) => [`${resource.resourceType}/${resource.id!}`, resource] as const))(
  '%s is identified, versioned and described',
  (_, resource) => {
    expect(resource.id).toMatch(/^[A-Za-z0-9.-]{1,64}$/);
    // What is shipped carries its version in the id, so that an old one stays when a new one comes.
    const name = resource.id!.replace(`-${resource.version!}`, '');
    expect(resource.id).toBe(`${name}-${resource.version!}`);
    expect(resource.url).toBe(`http://afferent.health/fhir/${resource.resourceType}/${name}`);
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
    for (const { system } of used) expect(sources).toContain(`System \`${String(system)}\``);
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
