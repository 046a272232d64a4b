/**
 * Answered examples with what is expected of them. The totals and bands are written down here as the publications have
 * them, and not computed: what the forms calculate is held against them.
 */
import type { Questionnaire, QuestionnaireItem, QuestionnaireResponse } from 'fhir/r4.js';
import type { Instrument } from './instruments.js';
import { respond, type Answers, type Value } from './respond.js';

export interface Example {
  name: string;
  /** `accepted`, or the code of the rule that is told of the response, and the item where it is. */
  verdict: string;
  at?: string;
  total?: number;
  band?: string;
  urgent?: boolean;
  response: QuestionnaireResponse;
}

/** Total and band at both sides of every boundary. SOURCES.md names where the boundaries were read. */
const BOUNDARIES: Readonly<Record<string, readonly (readonly [number, string])[]>> = {
  'phq-2': [
    [0, 'phq-2-negative'],
    [2, 'phq-2-negative'],
    [3, 'phq-2-positive'],
    [6, 'phq-2-positive'],
  ],
  'phq-9': [
    [0, 'phq-9-minimal'],
    [4, 'phq-9-minimal'],
    [5, 'phq-9-mild'],
    [9, 'phq-9-mild'],
    [10, 'phq-9-moderate'],
    [14, 'phq-9-moderate'],
    [15, 'phq-9-moderately-severe'],
    [19, 'phq-9-moderately-severe'],
    [20, 'phq-9-severe'],
    [27, 'phq-9-severe'],
  ],
  'gad-7': [
    [0, 'gad-7-minimal'],
    [4, 'gad-7-minimal'],
    [5, 'gad-7-mild'],
    [9, 'gad-7-mild'],
    [10, 'gad-7-moderate'],
    [14, 'gad-7-moderate'],
    [15, 'gad-7-severe'],
    [21, 'gad-7-severe'],
  ],
  audit: [
    [0, 'audit-zone-1'],
    [7, 'audit-zone-1'],
    [8, 'audit-zone-2'],
    [15, 'audit-zone-2'],
    [16, 'audit-zone-3'],
    [19, 'audit-zone-3'],
    [20, 'audit-zone-4'],
    [40, 'audit-zone-4'],
  ],
  'audit-c': [
    [0, 'audit-c-negative'],
    [2, 'audit-c-negative'],
    [3, 'audit-c-positive-women'],
    [4, 'audit-c-positive'],
    [12, 'audit-c-positive'],
  ],
};

export function instrumentExamples(instrument: Instrument, form: Questionnaire): Example[] {
  const { name, items, total: code } = instrument;
  const totalAt = code.code ?? '';
  const flagged = form.item?.some(({ linkId }) => linkId === 'urgent-flag') === true;
  const answered = (weights: readonly number[]): Record<string, Value> =>
    Object.fromEntries(
      items.flatMap(({ code: linkId, answers }, at) => {
        const chosen = answers.find(([, weight]) => weight === weights[at]);
        return chosen === undefined ? [] : [[linkId, chosen[0].code ?? '']];
      }),
    );
  const accepted = (title: string, weights: readonly number[], total: number, band: string): Example => {
    const urgent = flagged ? { urgent: (weights[8] ?? 0) > 0 } : {};
    const calculated = { [totalAt]: total, band, ...(flagged && { 'urgent-flag': (weights[8] ?? 0) > 0 }) };
    const response = respond(form, { ...answered(weights), ...calculated });
    return { name: title, verdict: 'accepted', total, band, ...urgent, response };
  };
  const boundaries = (BOUNDARIES[name] ?? []).map(([total, band]) =>
    accepted(`a total of ${String(total)}`, filled(items, total), total, band),
  );
  const missing = filled(items, 0).map((weight, at) => (at === items.length - 1 ? NaN : weight));
  const last = items.at(-1)?.code ?? '';
  const wrong = respond(form, { ...answered(filled(items, 2)), [totalAt]: 3 });
  return [
    ...boundaries,
    ...(flagged
      ? [1, 2, 3].map((weight) =>
          accepted(
            `thoughts of self-harm alone, weight ${String(weight)}`,
            items.map((_, at) => (at === 8 ? weight : 0)),
            weight,
            'phq-9-minimal',
          ),
        )
      : []),
    { name: 'the last item unanswered', verdict: 'required', at: last, response: respond(form, answered(missing)) },
    { name: 'a total that is not the sum', verdict: 'calculatedValue', at: totalAt, total: 2, response: wrong },
    {
      name: 'an answer that is no option',
      verdict: 'invalidAnswerOption',
      at: last,
      response: respond(form, {
        ...answered(filled(items, 0)),
        [last]: { valueCoding: { system: 'http://loinc.org', code: 'LA137-2', display: 'None' } },
      }),
    },
  ];
}

/** Weights with this sum: the most for each item in turn. The sum must be one that can be had that way. */
function filled(items: Instrument['items'], total: number): number[] {
  let left = total;
  const weights = items.map(({ answers }) => {
    const most = Math.max(...answers.map(([, weight]) => weight).filter((weight) => weight <= left));
    left -= most;
    return most;
  });
  if (left !== 0) throw new Error(`${String(total)} cannot be reached`);
  return weights;
}

const picture = (name: string): Value => ({
  valueAttachment: { contentType: 'image/jpeg', url: `http://example.org/images/${name}.jpg`, size: 2_000_000 },
});

/** What somebody without any sign that cannot wait answers. */
const ROUTINE: Readonly<Record<string, Answers>> = {
  'skin-lesion': {
    'face-throat-swelling': false,
    'fever-spreading': false,
    'eye-or-mucosa': false,
    site: 'back',
    side: 'left',
    onset: 'six-to-twelve-months',
    width: 7,
    asymmetry: true,
    'uneven-border': false,
    'several-colours': false,
    'wider-than-six-millimetres': true,
    changed: true,
    'size-changed': true,
    growth: 'slow-growth',
    'colour-changed': false,
    'shape-changed': false,
    bleeding: false,
    itch: true,
    pain: false,
    'previous-skin-cancer': false,
    'family-melanoma': 'not-sure',
    'weakened-immunity': false,
    treated: false,
    'skin-type': 'sun-reaction-2',
    'photograph-overview': [picture('back')],
    'photograph-close-up': [picture('spot-above'), picture('spot-side')],
    'consent-to-share': true,
    'consent-to-delay': true,
  },
  'contact-dermatitis': {
    'airway-swelling': false,
    'skin-infection': false,
    'blisters-widespread': false,
    'rash-site': ['hands', 'arms'],
    'shape-fits': true,
    'rash-start': 'one-to-four-weeks',
    'rash-course': 'comes-and-goes',
    'rash-looks': ['red', 'cracked'],
    'itch-score': 6,
    'sleep-lost': false,
    occupation: 'hairdressing',
    'better-away': true,
    products: ['soap-or-shampoo', 'gloves'],
    delay: 'one-to-three-days',
    'same-before': true,
    'same-before-cause': 'Cheap earrings, some years ago.',
    'eczema-asthma-hayfever': true,
    'patch-tested': false,
    treated: true,
    treatment: 'Hand cream every evening; it helps a little.',
    medicines: 'none',
    'photograph-overview': [picture('hands')],
    'photograph-close-up': [picture('hands-close'), picture('hands-edge')],
    'consent-to-share': true,
  },
  'urinary-tract-infection': {
    age: 34,
    sex: 'female',
    pregnant: 'no',
    fever: false,
    'flank-pain': false,
    vomiting: false,
    'weakened-immunity': false,
    'longer-than-a-week': false,
    dysuria: true,
    frequency: true,
    urgency: true,
    haematuria: false,
    discharge: false,
    days: 2,
    'had-before': true,
    'times-this-year': 'one-or-two',
    catheter: false,
    'kidney-trouble': false,
    diabetes: false,
    'recent-antibiotics': false,
    allergy: true,
    'allergy-detail': 'Penicillin: a rash as a child.',
    medicines: 'none',
    'consent-to-share': true,
  },
  migraine: {
    thunderclap: false,
    'neurological-signs': false,
    'fever-stiff-neck': false,
    'head-injury': false,
    'new-after-fifty': false,
    pregnant: 'no',
    'headache-days': 6,
    duration: 'four-to-seventy-two-hours',
    location: 'one-side',
    quality: 'throbbing',
    severity: 8,
    'worse-moving': true,
    nausea: true,
    'light-sensitive': true,
    'sound-sensitive': true,
    aura: true,
    'aura-duration': 'five-to-sixty-minutes',
    triggers: ['sleep', 'periods'],
    'disability-days': 7,
    'half-days': 4,
    'painkiller-days': 5,
    painkillers: 'Ibuprofen 400 mg, which helps if I take it early.',
    preventive: false,
    'heart-or-stroke': false,
    'contraceptive-pill': false,
    allergies: 'none',
    'consent-to-share': true,
  },
  sinusitis: {
    'eye-swelling': false,
    'vision-change': false,
    'severe-headache': false,
    'stiff-neck': false,
    'forehead-swelling': false,
    days: 11,
    course: 'getting-worse',
    'double-worsening': true,
    'blocked-nose': true,
    discharge: 'coloured',
    'discharge-side': 'one-side',
    'facial-pain': true,
    'facial-pain-place': ['cheeks'],
    'facial-pain-score': 5,
    'dental-pain': true,
    'smell-lost': true,
    cough: false,
    fever: true,
    temperature: 38.2,
    'times-this-year': 'none',
    'nose-allergy': false,
    asthma: false,
    'nose-operation': false,
    'weakened-immunity': false,
    smoker: false,
    treated: false,
    allergy: false,
    medicines: 'none',
    'consent-to-share': true,
  },
  'diabetic-retinopathy': {
    'sudden-vision-loss': false,
    'floaters-flashes': false,
    'eye-pain': false,
    'diabetes-type': 'type-2',
    'diabetes-years': 9,
    'diabetes-treatment': ['diet', 'tablets'],
    'hba1c-known': true,
    hba1c: { valueQuantity: { value: 7.4, unit: '%', system: 'http://unitsofmeasure.org', code: '%' } },
    'pressure-known': true,
    systolic: 138,
    diastolic: 82,
    'kidney-trouble': false,
    pregnant: 'does-not-apply',
    'last-screening': 'one-to-three-years',
    'vision-change': false,
    'laser-or-injection': false,
    'other-eye-disease': false,
    'pupils-widened': true,
    'image-right-macula': [picture('right-macula')],
    'image-right-disc': [picture('right-disc')],
    'quality-right': 'good',
    'image-left-macula': [picture('left-macula')],
    'image-left-disc': [picture('left-disc')],
    'quality-left': 'adequate',
    'consent-to-share': true,
  },
};

/** The least that makes each of these messages appear; where it is more than a yes to one question. */
const SIGNS: Readonly<Record<string, Answers>> = {
  'urgent-swelling': { 'face-throat-swelling': true },
  'urgent-infection': { 'fever-spreading': true },
  'urgent-eye-or-mucosa': { 'eye-or-mucosa': true },
  'urgent-growth-and-bleeding': { growth: 'rapid-growth', bleeding: true },
  'male-urgent': { sex: 'male' },
  'child-urgent': { age: 17 },
  'pregnant-urgent': { pregnant: 'yes' },
};

export function intakeExamples(name: string, form: Questionnaire, urgent: readonly string[]): Example[] {
  const routine = ROUTINE[name];
  if (routine === undefined) throw new Error(`${name} has no example`);
  const accepted = (title: string, change: Answers, isUrgent: boolean): Example => ({
    name: title,
    verdict: 'accepted',
    urgent: isUrgent,
    response: respond(form, { ...routine, ...change, 'urgent-flag': isUrgent }),
  });
  const all = flat(form.item ?? []);
  const refused = (title: string, verdict: string, at: string | undefined, change: Answers): Example[] =>
    at === undefined ? [] : [{ name: title, verdict, at, response: respond(form, { ...routine, ...change }, true) }];
  const first = (wanted: (item: QuestionnaireItem) => boolean) => all.find(wanted)?.linkId;
  const agreed = 'consent-to-share';
  const section = form.item?.[0];
  const without = Object.fromEntries(flat(section?.item ?? []).map(({ linkId }) => [linkId, []]));
  const counted = first(({ extension = [] }) => extension.some(({ url }) => url.endsWith('minOccurs')));
  const ranged = first((item) => item.type === 'integer');
  const chosen = first(({ type, required, repeats }) => type === 'choice' && required === true && repeats !== true);
  const hidden = first(
    ({ linkId, type, enableWhen }) => type !== 'display' && enableWhen !== undefined && routine[linkId] === undefined,
  );
  const image = first(({ type }) => type === 'attachment');
  return [
    accepted('nothing that cannot wait', {}, false),
    ...urgent.map((linkId) =>
      accepted(`shows ${linkId}`, SIGNS[linkId] ?? { [linkId.replace(/-urgent$/, '')]: true }, true),
    ),
    ...(name === 'urinary-tract-infection' ? [accepted('aged 18', { age: 18 }, false)] : []),
    ...(name === 'migraine' ? [accepted('ten days with painkillers', { 'painkiller-days': 10 }, false)] : []),
    ...refused('a section left out', 'required', section?.linkId, without),
    ...refused('the agreement unanswered', 'required', agreed, { [agreed]: [] }),
    ...refused(
      'too few photographs',
      'minCount',
      counted,
      counted === undefined ? {} : { [counted]: [picture('one')] },
    ),
    ...refused('a number below its range', 'minValue', ranged, ranged === undefined ? {} : { [ranged]: -1 }),
    ...refused('two answers where one is asked for', 'repeats', agreed, { [agreed]: [true, false] }),
    ...refused('an answer that is no option', 'invalidAnswerOption', chosen, {
      ...(chosen !== undefined && { [chosen]: { valueCoding: { system: 'http://example.org', code: 'no-option' } } }),
    }),
    ...refused('an answer to a question that is not asked', 'notEnabled', hidden, {
      ...(hidden !== undefined && { [hidden]: { valueString: 'Not asked' } }),
    }),
    ...refused('an image of another kind', 'invalidAttachmentType', image, {
      ...(image !== undefined && { [image]: [{ valueAttachment: { contentType: 'application/pdf', size: 1000 } }] }),
    }),
  ];
}

const flat = (items: readonly QuestionnaireItem[]): QuestionnaireItem[] =>
  items.flatMap((item) => [item, ...flat(item.item ?? [])]);
