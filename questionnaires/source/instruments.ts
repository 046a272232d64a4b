/** Published instruments: their items, answers, weights and bands, each read in the source that SOURCES.md names. */
import type { CodeSystem, Coding, Questionnaire, QuestionnaireItem } from 'fhir/r4.js';
import { BASE, calculated, core, own, sdc, urgentFlag } from './form.js';

const LOINC = 'http://loinc.org';
const loinc = (code: string, display: string): Coding => ({ system: LOINC, code, display });

/** An answer and its weight. */
type Answer = readonly [Coding, number];

interface Item {
  code: string;
  /** What the code is called, and what the patient reads where that differs. */
  display: string;
  text?: string;
  answers: readonly Answer[];
}

/** A code, its words, and the least total that it is for. */
type Band = readonly [string, string, number];

export interface Instrument {
  name: string;
  version: string;
  pascal: string;
  title: string;
  description: string;
  purpose: string;
  copyright: string;
  panel: Coding;
  /** The linkId of the group of items, and what is said above them. */
  group: readonly [string, string];
  items: readonly Item[];
  /** What stands between the items and the total. */
  after?: QuestionnaireItem[];
  total: Coding;
  totalText: string;
  most: number;
  bands: readonly Band[];
}

const FREQUENCY: readonly Answer[] = [
  [loinc('LA6568-5', 'Not at all'), 0],
  [loinc('LA6569-3', 'Several days'), 1],
  [loinc('LA6570-1', 'More than half the days'), 2],
  [loinc('LA6571-9', 'Nearly every day'), 3],
];
const HOW_OFTEN: readonly Answer[] = [
  [loinc('LA6270-8', 'Never'), 0],
  [loinc('LA18926-8', 'Monthly or less'), 1],
  [loinc('LA18927-6', '2-4 times a month'), 2],
  [loinc('LA18928-4', '2-3 times a week'), 3],
  [loinc('LA18929-2', '4 or more times a week'), 4],
];
const HOW_MANY: readonly Answer[] = [
  [loinc('LA15694-5', '1 or 2'), 0],
  [loinc('LA15695-2', '3 or 4'), 1],
  [loinc('LA18930-0', '5 or 6'), 2],
  [loinc('LA18931-8', '7 to 9'), 3],
  [loinc('LA18932-6', '10 or more'), 4],
];
const OCCASIONS: readonly Answer[] = [
  [loinc('LA6270-8', 'Never'), 0],
  [loinc('LA18933-4', 'Less than monthly'), 1],
  [loinc('LA18876-5', 'Monthly'), 2],
  [loinc('LA18891-4', 'Weekly'), 3],
  [loinc('LA18934-2', 'Daily or almost daily'), 4],
];
const EVER: readonly Answer[] = [
  [own('audit-no', 'No'), 0],
  [own('audit-yes-not-last-year', 'Yes, but not in the last year'), 2],
  [own('audit-yes-last-year', 'Yes, during the last year'), 4],
];
const DIFFICULTY = [
  loinc('LA6572-7', 'Not difficult at all'),
  loinc('LA6573-5', 'Somewhat difficult'),
  loinc('LA6575-0', 'Very difficult'),
  loinc('LA6574-3', 'Extremely difficult'),
];

const pfizer = (instrument: string): string =>
  `${instrument}: Copyright © Pfizer Inc. All rights reserved. Developed by Drs. Robert L. Spitzer, Janet B.W. Williams, Kurt Kroenke and colleagues, with an educational grant from Pfizer Inc. No permission required to reproduce, translate, display or distribute.\n\n${NOTICE}`;
const NOTICE =
  'This content from LOINC® is copyright © 1995 Regenstrief Institute, Inc. and the LOINC Committee, and available at no cost under the license at https://loinc.org/license/';
const WHO = `AUDIT: Copyright © 2001 World Health Organization. As a WHO-approved instrument, the AUDIT is in the public domain.\n\n${NOTICE}`;

const TWO_WEEKS = 'Over the last 2 weeks, how often have you been bothered by any of the following problems?';
const PHQ: readonly Item[] = (
  [
    ['44250-9', 'Little interest or pleasure in doing things'],
    ['44255-8', 'Feeling down, depressed, or hopeless'],
    ['44259-0', 'Trouble falling or staying asleep, or sleeping too much'],
    ['44254-1', 'Feeling tired or having little energy'],
    ['44251-7', 'Poor appetite or overeating'],
    ['44258-2', 'Feeling bad about yourself-or that you are a failure or have let yourself or your family down'],
    ['44252-5', 'Trouble concentrating on things, such as reading the newspaper or watching television'],
    [
      '44253-3',
      'Moving or speaking so slowly that other people could have noticed. Or the opposite-being so fidgety or restless that you have been moving around a lot more than usual',
    ],
    ['44260-8', 'Thoughts that you would be better off dead, or of hurting yourself in some way'],
  ] as const
).map(([code, display]) => ({ code, display, answers: FREQUENCY }));

const SELF_HARM = '44260-8';
const safety: QuestionnaireItem[] = [
  {
    linkId: 'safety-message',
    text: 'If you may act on such thoughts, do not wait for a reply to this form. Call your local emergency number or a crisis line now, or go to the nearest emergency department, and tell someone close to you.',
    type: 'display',
    enableWhen: FREQUENCY.slice(1).map(([{ system, code }]) => ({
      question: SELF_HARM,
      operator: '=' as const,
      answerCoding: { system: system ?? LOINC, code: code ?? '' },
    })),
    enableBehavior: 'any',
  },
  urgentFlag(`%resource.item.where(linkId = 'problems').item.where(linkId = '${SELF_HARM}').answer.weight() > 0`),
];
const difficulty: QuestionnaireItem[] = [
  {
    linkId: 'difficulty-instruction',
    text: 'If you checked off any problems on this questionnaire',
    type: 'display',
  },
  {
    linkId: '69722-7',
    code: [
      loinc(
        '69722-7',
        'How difficult have these problems made it for you to do your work, take care of things at home, or get along with other people?',
      ),
    ],
    prefix: '10.',
    text: 'How difficult have these problems made it for you to do your work, take care of things at home, or get along with other people?',
    type: 'choice',
    required: false,
    answerOption: DIFFICULTY.map((valueCoding) => ({ valueCoding })),
  },
];

const DRINKS: readonly Item[] = [
  { code: '68518-0', display: 'How often do you have a drink containing alcohol?', answers: HOW_OFTEN },
  {
    code: '68519-8',
    display: 'How many standard drinks containing alcohol do you have on a typical day when drinking?',
    answers: HOW_MANY,
  },
  { code: '68520-6', display: 'How often do you have six or more drinks on one occasion?', answers: OCCASIONS },
];
const CONSEQUENCES: readonly Item[] = (
  [
    [
      '97734-8',
      'During the past year, how often have you found that you were not able to stop drinking once you had started?',
      OCCASIONS,
    ],
    [
      '97735-5',
      'During the past year, how often have you failed to do what was normally expected of you because of drinking?',
      OCCASIONS,
    ],
    [
      '97736-3',
      'During the past year, how often have you needed a drink in the morning to get yourself going after a heavy drinking session?',
      OCCASIONS,
    ],
    [
      '97737-1',
      'During the past year, how often have you had a feeling of guilt or remorse after drinking?',
      OCCASIONS,
    ],
    [
      '97738-9',
      'During the past year, how often have you been unable to remember what happened the night before because you had been drinking?',
      OCCASIONS,
    ],
    ['97739-7', 'Have you or someone else been injured as a result of your drinking?', EVER],
    [
      '97740-5',
      'Has a relative or friend, doctor or other health worker been concerned about your drinking or suggested you cut down?',
      EVER,
    ],
  ] as const
).map(([code, display, answers]) => ({ code, display, answers }));

const ALCOHOL = 'The following questions are about your use of alcoholic drinks.';

export const instruments: readonly Instrument[] = [
  {
    name: 'phq-2',
    version: '1.0.0',
    pascal: 'Phq2',
    title: 'Patient Health Questionnaire 2 item (PHQ-2)',
    description:
      'The first two items of the PHQ-9 with their published answers and weights, and the total score (0-6). The total is calculated only when both items are answered. A total of 3 or more calls for the PHQ-9.',
    purpose: 'Finds people who should be asked more about depression. It does not make a diagnosis.',
    copyright: pfizer('PHQ-2'),
    panel: loinc('55757-9', 'Patient Health Questionnaire 2 item (PHQ-2) [Reported]'),
    group: ['problems', TWO_WEEKS],
    items: PHQ.slice(0, 2),
    total: loinc('55758-7', 'Patient Health Questionnaire 2 item (PHQ-2) total score [Reported]'),
    totalText: 'Patient health questionnaire 2 item total score',
    most: 6,
    bands: [
      ['phq-2-negative', 'Below the cut point', 0],
      ['phq-2-positive', 'At or above the cut point: ask the PHQ-9', 3],
    ],
  },
  {
    name: 'phq-9',
    version: '1.1.0',
    pascal: 'Phq9',
    title: 'Patient Health Questionnaire 9 item (PHQ-9)',
    description:
      'The nine items of the PHQ-9 with their published answers and weights, the item on difficulty, which is not scored, the total score (0-27) and its band. The total is calculated only when all nine items are answered. The message below the ninth item and the urgent flag are not part of the instrument: they were added because an answer to a form sent ahead may be read late. Whoever reviews the response must act at once on any answer to item 44260-8 other than "Not at all".',
    purpose:
      'Measures the severity of depressive symptoms over the last two weeks. It does not make a diagnosis. The added message needs clinical review, and the local emergency and crisis numbers, before use in care.',
    copyright: pfizer('PHQ-9'),
    panel: loinc('44249-1', 'PHQ-9 quick depression assessment panel [Reported.PHQ]'),
    group: ['problems', TWO_WEEKS],
    items: PHQ,
    after: [...safety, ...difficulty],
    total: loinc('44261-6', 'Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]'),
    totalText: 'Patient health questionnaire 9 item total score',
    most: 27,
    bands: [
      ['phq-9-minimal', 'Minimal depression', 0],
      ['phq-9-mild', 'Mild depression', 5],
      ['phq-9-moderate', 'Moderate depression', 10],
      ['phq-9-moderately-severe', 'Moderately severe depression', 15],
      ['phq-9-severe', 'Severe depression', 20],
    ],
  },
  {
    name: 'gad-7',
    version: '1.0.0',
    pascal: 'Gad7',
    title: 'Generalized anxiety disorder 7 item (GAD-7)',
    description:
      'The seven items of the GAD-7 with their published answers and weights, the total score (0-21) and its band. The total is calculated only when all seven items are answered. A total of 10 or more calls for further evaluation.',
    purpose: 'Measures the severity of anxiety over the last two weeks. It does not make a diagnosis.',
    copyright: pfizer('GAD-7'),
    panel: loinc('69737-5', 'Generalized anxiety disorder 7 item (GAD-7)'),
    group: ['problems', 'Over the last 2 weeks, how often have you been bothered by the following problems?'],
    items: [
      { code: '69725-0', display: 'Feeling nervous, anxious or on edge', answers: FREQUENCY },
      {
        code: '68509-9',
        display: 'Over the past 2 weeks have you not been able to stop or control worrying',
        text: 'Not being able to stop or control worrying',
        answers: FREQUENCY,
      },
      { code: '69733-4', display: 'Worrying too much about different things', answers: FREQUENCY },
      { code: '69734-2', display: 'Trouble relaxing', answers: FREQUENCY },
      { code: '69735-9', display: 'Being so restless that it is hard to sit still', answers: FREQUENCY },
      {
        code: '69689-8',
        display: 'Becoming easily annoyed or irritable.',
        text: 'Becoming easily annoyed or irritable',
        answers: FREQUENCY,
      },
      { code: '69736-7', display: 'Feeling afraid as if something awful might happen', answers: FREQUENCY },
    ],
    total: loinc('70274-6', 'Generalized anxiety disorder 7 item (GAD-7) total score [Reported.PHQ]'),
    totalText: 'Generalized anxiety disorder 7 item total score',
    most: 21,
    bands: [
      ['gad-7-minimal', 'Minimal anxiety', 0],
      ['gad-7-mild', 'Mild anxiety', 5],
      ['gad-7-moderate', 'Moderate anxiety', 10],
      ['gad-7-severe', 'Severe anxiety', 15],
    ],
  },
  {
    name: 'audit',
    version: '1.0.0',
    pascal: 'Audit',
    title: 'Alcohol Use Disorder Identification Test (AUDIT)',
    description:
      'The ten items of the AUDIT with their published weights, the total score (0-40) and its risk zone. The total is calculated only when all ten items are answered. A total of 8 or more suggests hazardous and harmful alcohol use. What a standard drink is differs by country: show it beside the form.',
    purpose: 'Finds hazardous and harmful patterns of alcohol use. It does not make a diagnosis.',
    copyright: WHO,
    panel: loinc('72110-0', 'Alcohol Use Disorder Identification Test [AUDIT]'),
    group: ['questions', ALCOHOL],
    items: [...DRINKS, ...CONSEQUENCES],
    total: loinc('75624-7', 'Total score [AUDIT]'),
    totalText: 'AUDIT total score',
    most: 40,
    bands: [
      ['audit-zone-1', 'Zone I: low risk', 0],
      ['audit-zone-2', 'Zone II: hazardous', 8],
      ['audit-zone-3', 'Zone III: harmful', 16],
      ['audit-zone-4', 'Zone IV: further diagnostic evaluation for dependence', 20],
    ],
  },
  {
    name: 'audit-c',
    version: '1.0.0',
    pascal: 'AuditC',
    title: 'Alcohol Use Disorder Identification Test - Consumption (AUDIT-C)',
    description:
      'The first three items of the AUDIT with their published weights, and the total score (0-12). The total is calculated only when all three items are answered. A total of 4 or more for men and 3 or more for women is positive; the form does not ask for sex, so a total of 3 is told as such. What a standard drink is differs by country: show it beside the form.',
    purpose: 'Finds hazardous drinking with three questions. It does not make a diagnosis.',
    copyright: WHO,
    panel: loinc('72109-2', 'Alcohol Use Disorder Identification Test - Consumption [AUDIT-C]'),
    group: ['questions', ALCOHOL],
    items: DRINKS,
    total: loinc('75626-2', 'Total score [AUDIT-C]'),
    totalText: 'AUDIT-C total score',
    most: 12,
    bands: [
      ['audit-c-negative', 'Negative', 0],
      ['audit-c-positive-women', 'Positive for women, negative for men', 3],
      ['audit-c-positive', 'Positive', 4],
    ],
  },
];

export function instrumentResource(instrument: Instrument): Questionnaire {
  const { name, version, pascal, group, items, total, totalText, bands } = instrument;
  const [linkId, text] = group;
  const answers = `%resource.item.where(linkId = '${linkId}').item.answer`;
  const sum = (then: string) => `iif(${answers}.count() = ${String(items.length)}, ${then}, {})`;
  const score = `${answers}.weight().sum()`;
  const band = bands.reduce((lower, [code, , least], at) => {
    return at === 0 ? `'${code}'` : `iif(${score} >= ${String(least)}, '${code}', ${lower})`;
  }, '');
  return {
    resourceType: 'Questionnaire',
    id: `${name}-${version}`,
    url: `${BASE}/Questionnaire/${name}`,
    version,
    name: pascal,
    title: instrument.title,
    status: 'active',
    experimental: false,
    subjectType: ['Patient'],
    date: '2026-11-26',
    publisher: 'Afferent',
    description: instrument.description,
    purpose: instrument.purpose,
    copyright: instrument.copyright,
    code: [instrument.panel],
    item: [
      { linkId, text, type: 'group', required: true, item: items.map(scored) },
      ...(instrument.after ?? []),
      {
        extension: [
          { url: `${sdc}observationExtract`, valueBoolean: true },
          calculated(
            sum(score),
            `The sum of the weights of the ${String(items.length)} items, empty while one of them is unanswered.`,
          ),
        ],
        linkId: total.code ?? '',
        code: [total],
        text: totalText,
        type: 'integer',
        required: false,
        readOnly: true,
      },
      {
        extension: [
          calculated(
            sum(`%questionnaire.item.where(linkId = 'band').answerOption.value.where(code = ${band})`),
            'The band of the total, empty while an item is unanswered.',
          ),
        ],
        linkId: 'band',
        code: [own('band', 'Band of the total score')],
        text: 'What the total score stands for',
        type: 'choice',
        required: false,
        readOnly: true,
        answerOption: bands.map(([code, display]) => ({ valueCoding: own(code, display) })),
      },
    ],
  };
}

const scored = ({ code, display, text, answers }: Item, at: number): QuestionnaireItem => ({
  linkId: code,
  code: [loinc(code, display)],
  prefix: `${String(at + 1)}.`,
  text: text ?? display,
  type: 'choice',
  required: true,
  answerOption: answers.map(([valueCoding, weight]) => ({
    extension: [{ url: `${core}ordinalValue`, valueDecimal: weight }],
    valueCoding,
  })),
});

/** The codes of what has no published one: bands, the flag, and two answers of the AUDIT. */
export function instrumentCodes(): CodeSystem {
  const bands = instruments.flatMap(({ bands }) => bands.map(([code, display]) => ({ code, display })));
  const answers = EVER.map(([{ code = '', display = '' }]) => ({ code, display }));
  const concept = [
    { code: 'band', display: 'Band of the total score' },
    { code: 'urgent-flag', display: 'Sign reported that cannot wait' },
    ...answers,
    ...bands,
  ];
  return {
    resourceType: 'CodeSystem',
    id: 'instruments-1.0.0',
    url: `${BASE}/CodeSystem/instruments`,
    version: '1.0.0',
    name: 'InstrumentCodes',
    title: 'Bands, flags and answers of instruments',
    status: 'active',
    experimental: false,
    date: '2026-11-26',
    publisher: 'Afferent',
    description:
      'Codes of our own for what the shipped instruments need and no published code was found for: the bands of total scores, the urgent flag that all forms share, and the answers to the last two items of the AUDIT.',
    copyright: 'Copyright Afferent contributors; licensed under the Apache License, Version 2.0.',
    caseSensitive: true,
    content: 'complete',
    count: concept.length,
    concept,
  };
}
