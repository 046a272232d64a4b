/** The skin lesion intake: its codes, its photographs, its urgent signs, and a response that is complete. */
import type {
  QuestionnaireItem,
  QuestionnaireItemEnableWhen,
  QuestionnaireResponseItem,
  QuestionnaireResponseItemAnswer,
} from 'fhir/r4.js';
import { codes, extensions, find, flat, json, skinLesion } from './support/forms.js';

describe('the skin lesion intake', () => {
  const items = flat(skinLesion.item);

  test('says that it is not reviewed', () => {
    expect([skinLesion.experimental, codes.experimental]).toEqual([true, true]);
    expect(skinLesion.purpose).toMatch(/^NEEDS CLINICAL REVIEW/);
    expect(skinLesion.description).toContain('do not use it for care');
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
