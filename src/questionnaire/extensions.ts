/**
 * The extensions that say more about a question (SDC 4.0, R4 extensibility.html). Each has one name here, and the URLs
 * that it has or had: forms of ten years are filled in.
 */
import { valueOf, type Extension } from './types.js';

const CORE = 'http://hl7.org/fhir/StructureDefinition/';
const SDC = 'http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-';
const R5 = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-Questionnaire.item.';

/** TABLE: what the engine calls it -> URLs. */
const URLS = {
  minLength: [`${CORE}minLength`],
  minValue: [`${CORE}minValue`],
  maxValue: [`${CORE}maxValue`],
  minQuantity: [`${SDC}minQuantity`],
  maxQuantity: [`${SDC}maxQuantity`],
  maxDecimalPlaces: [`${CORE}maxDecimalPlaces`],
  regex: [`${CORE}regex`],
  entryFormat: [`${CORE}entryFormat`],
  mimeType: [`${CORE}mimeType`],
  maxSize: [`${CORE}maxSize`],
  minOccurs: [`${CORE}questionnaire-minOccurs`],
  maxOccurs: [`${CORE}questionnaire-maxOccurs`],
  optionExclusive: [`${CORE}questionnaire-optionExclusive`],
  unit: [`${CORE}questionnaire-unit`],
  unitOption: [`${CORE}questionnaire-unitOption`],
  unitValueSet: [`${CORE}questionnaire-unitValueSet`],
  unitOpen: [`${SDC}unitOpen`],
  unitSupplementalSystem: [`${SDC}unitSupplementalSystem`],
  referenceResource: [`${CORE}questionnaire-referenceResource`],
  referenceProfile: [`${CORE}questionnaire-referenceProfile`],
  constraint: [`${CORE}questionnaire-constraint`],
  targetConstraint: [`${CORE}targetConstraint`],
  answerConstraint: [`${R5}answerConstraint`],
  enableWhenExpression: [`${SDC}enableWhenExpression`],
  calculatedExpression: [`${SDC}calculatedExpression`],
  answerExpression: [`${SDC}answerExpression`],
  variable: [`${CORE}variable`],
  weight: [`${CORE}itemWeight`, `${CORE}ordinalValue`, `${CORE}questionnaire-ordinalValue`],
  signatureRequired: [`${CORE}questionnaire-signatureRequired`],
  signature: [`${CORE}questionnaireresponse-signature`],
  textExpression: [`${CORE}cqf-expression`, `${CORE}cqf-calculatedValue`],
  translation: [`${CORE}translation`],
} as const;

export type ExtensionName = keyof typeof URLS;

/** The values of all extensions of that name; for one of several parts, the extension itself. */
export function valuesOf(extensions: Extension[] | undefined, name: ExtensionName): unknown[] {
  if (extensions === undefined) return [];
  const urls: readonly string[] = URLS[name];
  return extensions
    .filter(({ url }) => url !== undefined && urls.includes(url))
    .map((one) => valueOf(one)?.value ?? one);
}

/** The first of that name. */
export const firstOf = (extensions: Extension[] | undefined, name: ExtensionName): unknown =>
  valuesOf(extensions, name)[0];

export function textOf(extensions: Extension[] | undefined, name: ExtensionName): string | undefined {
  const value = firstOf(extensions, name);
  return typeof value === 'string' ? value : undefined;
}

export function numberOf(extensions: Extension[] | undefined, name: ExtensionName): number | undefined {
  const value = firstOf(extensions, name);
  return typeof value === 'number' ? value : undefined;
}

/** The part of an extension of several parts. */
export const partOf = (extension: unknown, url: string): unknown => {
  const found = ((extension as Extension).extension ?? []).find((one) => one.url === url);
  return found === undefined ? undefined : valueOf(found)?.value;
};
