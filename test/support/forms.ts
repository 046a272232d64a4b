/** The forms that the project ships, parsed, and the few ways in which their tests walk through them. */
import { readFileSync } from 'node:fs';
import type { CodeSystem, Questionnaire, QuestionnaireItem } from 'fhir/r4.js';

export const file = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
export const json = (path: string): any => JSON.parse(file(path));
export const phq9: Questionnaire = json('questionnaires/phq-9.json');
export const skinLesion: Questionnaire = json('questionnaires/skin-lesion.json');
export const codes: CodeSystem = json('questionnaires/skin-lesion-codes.json');
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
