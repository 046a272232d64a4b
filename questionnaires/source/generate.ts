/**
 * Writes the forms of the folder above, their code systems and their answered examples: `npm run forms`. The words are in
 * the files beside this one; a test holds what is written against what this makes.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Questionnaire, QuestionnaireResponseItem } from 'fhir/r4.js';
import { dermatitis } from './dermatitis.js';
import { instrumentExamples, intakeExamples, type Example } from './examples.js';
import { intakeResources } from './form.js';
import { instrumentCodes, instrumentResource, instruments } from './instruments.js';
import { migraine } from './migraine.js';
import { retinopathy } from './retinopathy.js';
import { sinusitis } from './sinusitis.js';
import { uti } from './uti.js';

const intakes = [dermatitis, uti, migraine, sinusitis, retinopathy];

/** What is in each file, by its name in the folder above. */
export function generate(): Record<string, object> {
  const files: Record<string, object> = { 'instruments-codes.json': instrumentCodes() };
  for (const instrument of instruments) {
    const form = instrumentResource(instrument);
    files[`${instrument.name}.json`] = form;
    files[`examples/${instrument.name}.json`] = lean(instrumentExamples(instrument, form));
  }
  for (const intake of intakes) {
    const [form, codes] = intakeResources(intake);
    const urgent = intake.sections.flatMap(({ items }) =>
      items.flatMap((item) => ('urgent' in item ? [item.linkId] : [])),
    );
    files[`${intake.name}.json`] = form;
    files[`${intake.name}-codes.json`] = codes;
    files[`examples/${intake.name}.json`] = lean(intakeExamples(intake.name, form, urgent));
  }
  const skinLesion = JSON.parse(readFileSync(new URL('../skin-lesion.json', import.meta.url), 'utf8')) as Questionnaire;
  const signs = ['swelling', 'infection', 'eye-or-mucosa', 'growth-and-bleeding'].map((sign) => `urgent-${sign}`);
  files['examples/skin-lesion.json'] = lean(intakeExamples('skin-lesion', skinLesion, signs));
  return files;
}

/** The first example shows the texts of the questions too; a response may leave them out. */
const lean = ([first, ...others]: Example[]): Example[] => [
  ...(first === undefined ? [] : [first]),
  ...others.map((one) => ({ ...one, response: { ...one.response, item: withoutTexts(one.response.item) } })),
];

const withoutTexts = (items: QuestionnaireResponseItem[] = []): QuestionnaireResponseItem[] =>
  items.map(({ text: _, item, ...rest }) => ({ ...rest, ...(item !== undefined && { item: withoutTexts(item) }) }));

/** One line for each example, so that a difference is one line too. */
const textOf = (content: object): string =>
  Array.isArray(content)
    ? `[\n${content.map((one) => JSON.stringify(one)).join(',\n')}\n]\n`
    : `${JSON.stringify(content, undefined, 2)}\n`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, content] of Object.entries(generate())) {
    writeFileSync(new URL(`../${name}`, import.meta.url), textOf(content));
  }
}
