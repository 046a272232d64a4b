/** The forms that the project ships, parsed, and the few ways in which their tests walk through them. */
import { readdirSync, readFileSync } from 'node:fs';
import type { CodeSystem, Questionnaire, QuestionnaireItem } from 'fhir/r4.js';
import type { Example } from '../../questionnaires/source/examples.js';

export const file = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
export const json = (path: string): any => JSON.parse(file(path));
const files = readdirSync(new URL('../../questionnaires', import.meta.url)).filter((name) => name.endsWith('.json'));
const resources: (Questionnaire | CodeSystem)[] = files.map((name) => json(`questionnaires/${name}`));
/** Every form and code system of the folder. */
export const forms = resources.filter((one) => one.resourceType === 'Questionnaire');
export const codeSystems = resources.filter((one) => one.resourceType === 'CodeSystem');

export const nameOf = ({ url }: { url?: string }): string => url!.slice(url!.lastIndexOf('/') + 1);
export const formNamed = (name: string) => forms.find((one) => nameOf(one) === name)!;
export const phq9 = formNamed('phq-9');
export const skinLesion = formNamed('skin-lesion');
export const codes = codeSystems.find((one) => nameOf(one) === 'skin-lesion')!;

export const examplesOf = (form: Questionnaire): Example[] => json(`questionnaires/examples/${nameOf(form)}.json`);
export const sources = file('questionnaires/SOURCES.md').replace(/ +/g, ' ');

export const core = 'http://hl7.org/fhir/StructureDefinition/';
export const flat = (items: QuestionnaireItem[] = []): QuestionnaireItem[] =>
  items.flatMap((item) => [item, ...flat(item.item)]);
export const find = (form: Questionnaire, linkId: string) => flat(form.item).find((item) => item.linkId === linkId)!;
export const extensions = (item: QuestionnaireItem, name: string) =>
  (item.extension ?? []).filter(({ url }) => url === core + name);

interface Coded {
  system?: string;
  code: string;
  display?: string;
}

/** Every Coding inside a value, one without a system too; the `code` of an item is a list, not a string. */
export function codings(value: unknown): Coded[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = 'code' in value && typeof value.code === 'string' ? [value as Coded] : [];
  return [...own, ...Object.values(value).flatMap(codings)];
}
