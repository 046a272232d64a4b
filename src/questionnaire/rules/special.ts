/** V21 to V23: units of quantities, attachments, references. */
import type { Coding } from '../../fhir/types.js';
import { parseReference } from '../../fhir/reference.js';
import { numberOf, textOf } from '../extensions.js';
import { say } from '../issue.js';
import type { Attachment, Quantity, QuestionnaireResponse } from '../types.js';
import type { ValueRule } from './rule.js';

/** V21 */
export const unit: ValueRule = ({ codesOf }, node, question, { type, value }, at, tell) => {
  if (type !== 'Quantity') return;
  const { system, code, unit: written } = value as Quantity;
  const { extension } = question.item;
  const open = textOf(extension, 'unitOpen') ?? 'optionsOnly';
  const valueSet = textOf(extension, 'unitValueSet');
  const units = question.units as Coding[];
  if (units.length === 0 && valueSet === undefined) return;
  if (open === 'optionsOrString' && code === undefined && written !== undefined) return;
  if (units.some((one) => one.code === code && (one.system === undefined || one.system === system))) return;
  const supplemental = textOf(extension, 'unitSupplementalSystem');
  if (open === 'optionsOrType' && code !== undefined && (supplemental === undefined || supplemental === system)) return;
  const found = `found ${JSON.stringify((code ?? written ?? 'none').slice(0, 40))}`;
  if (valueSet !== undefined) {
    const codes = codesOf(valueSet);
    if ('why' in codes) {
      const name = valueSet.slice(0, 120);
      tell(say(node, 'notChecked', `has units of the value set ${name}, which were not checked: ${codes.why}`, at));
    } else if (code === undefined || !codes.has(system, code)) {
      tell(say(node, 'invalidUnitValueSet', `takes a unit of the value set ${valueSet.slice(0, 120)}; ${found}`, at));
    }
    return;
  }
  const names = units.map((one) => one.code ?? one.display ?? '').join(', ');
  tell(say(node, 'invalidUnit', `takes one of the units ${names}; ${found}`, at));
};

/** V22; sizes are of the bytes, which base64 in `data` has three of for four characters. */
export const attachment: ValueRule = (_, node, question, { type, value }, at, tell) => {
  if (type !== 'Attachment') return;
  const { contentType, data, size } = value as Attachment;
  const { mimeTypes, item } = question;
  const plain = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  if (mimeTypes.length > 0 && !mimeTypes.some((one) => matches(plain, one.toLowerCase()))) {
    const found = contentType === undefined ? 'none' : contentType.slice(0, 60);
    tell(say(node, 'invalidAttachmentType', `takes ${mimeTypes.join(', ')}; the contentType is ${found}`, at));
  }
  const actual = data === undefined ? undefined : bytesOf(data);
  if (actual !== undefined && size !== undefined && actual !== size) {
    tell(say(node, 'attachmentSizeInconsistent', `says size ${size}; its data have ${actual} bytes`, `${at}.size`));
  }
  const most = numberOf(item.extension, 'maxSize');
  const bytes = actual ?? size;
  if (most === undefined) return;
  if (bytes === undefined)
    tell(say(node, 'notChecked', `takes at most ${most} bytes; how many these are is not said`, at));
  else if (bytes > most) tell(say(node, 'maxAttachmentSize', `takes at most ${most} bytes; found ${bytes}`, at));
};

const matches = (found: string | undefined, allowed: string): boolean =>
  found !== undefined && (allowed.endsWith('/*') ? found.startsWith(allowed.slice(0, -1)) : found === allowed);

function bytesOf(base64: string): number {
  const text = base64.replace(/\s/g, '');
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  return (text.length / 4) * 3 - padding;
}

/** V23 */
export const reference: ValueRule = ({ response }, node, question, { type, value }, at, tell) => {
  if (type !== 'Reference') return;
  const { reference: text, type: named } = value as Target;
  if (text === undefined && named === undefined) return;
  const parsed = text === undefined ? undefined : parseReference(text);
  if (text !== undefined && parsed === undefined) {
    const found = JSON.stringify(text.slice(0, 80));
    tell(say(node, 'invalidRefValue', `takes a reference such as Patient/123; found ${found}`, at));
    return;
  }
  const target = targetType(value as Target, response);
  if (target === undefined) return;
  const { referenceTypes } = question;
  if (!/^[A-Z][A-Za-z]+$/.test(target)) {
    tell(say(node, 'invalidRefResourceType', `takes a reference to a type of FHIR; found ${target.slice(0, 60)}`, at));
  } else if (referenceTypes.length > 0 && !referenceTypes.includes(target)) {
    const fix = `takes a reference to ${referenceTypes.join(' or ')}; found ${target}`;
    tell(say(node, 'invalidRefResourceTypeRestriction', fix, at));
  }
};

/** What a reference leads to, as far as it says so, or its response contains it. */
export function targetType({ reference, type }: Target, { contained = [] }: QuestionnaireResponse): string | undefined {
  const parsed = reference === undefined ? undefined : parseReference(reference);
  if (parsed?.kind === 'resource') return parsed.type;
  const own = parsed?.kind === 'contained' ? contained.find(({ id }) => id === parsed.id) : undefined;
  return own?.resourceType ?? type?.split('/').at(-1);
}

interface Target {
  reference?: string;
  type?: string;
}
