/** V2, V26, V29, V30, V31: the form's state, its words, signatures, what changes its meaning, and whom it is about. */
import { spanOf } from '../../fhir/datetime.js';
import { firstOf, valuesOf } from '../extensions.js';
import { say, type RuleCode } from '../issue.js';
import type { Extension } from '../types.js';
import type { ItemRule, WholeRule } from './rule.js';
import { targetType } from './special.js';

/** V2 */
export const formStatus: WholeRule = ({ form, response }, tell) => {
  const { status, effectivePeriod } = form.questionnaire;
  const rule = status === undefined ? undefined : STATUS[status];
  if (rule !== undefined) tell(say(undefined, rule, `${form.name} has the status ${String(status)}.`));
  const authored = response.authored === undefined ? undefined : spanOf(response.authored);
  if (authored === undefined || effectivePeriod === undefined) return;
  const from = effectivePeriod.start === undefined ? undefined : spanOf(effectivePeriod.start)?.from;
  const to = effectivePeriod.end === undefined ? undefined : spanOf(effectivePeriod.end)?.to;
  if ((from === undefined || authored.to >= from) && (to === undefined || authored.from <= to)) return;
  const period = `${effectivePeriod.start ?? '…'} to ${effectivePeriod.end ?? '…'}`;
  const text = `${form.name} was to be used from ${period}; this was authored ${String(response.authored)}.`;
  tell({ ...say(undefined, 'questionnaireInactive', text), inside: 'authored' });
};

const STATUS: Readonly<Record<string, RuleCode>> = { draft: 'questionnaireDraft', retired: 'questionnaireRetired' };

/** V26; a translation, or words that an expression makes, cannot be compared. */
export const itemText: ItemRule = ({ form, response }, node, question, tell) => {
  const { text } = node.item;
  if (text === undefined || question.text === undefined || text === question.text) return;
  if (squeezed(text) === squeezed(question.text)) return;
  if (response.language !== undefined && response.language !== form.questionnaire.language) return;
  const beside = (question.item._text as { extension?: Extension[] } | undefined)?.extension;
  if (firstOf(beside, 'textExpression') !== undefined || firstOf(beside, 'translation') !== undefined) return;
  tell(say(node, 'itemText', `was shown with other words: ${JSON.stringify(text.slice(0, 120))}`, 'text'));
};

const squeezed = (text: string): string => text.trim().replace(/\s+/g, ' ');

/** V29; the signature stands on the response, or on the item that asks for it. */
export const signature: WholeRule = ({ form, response }, tell) => {
  const isDemanded = firstOf(form.questionnaire.extension, 'signatureRequired') !== undefined;
  if (!isDemanded || valuesOf(response.extension, 'signature').length > 0) return;
  tell(say(undefined, 'signatureRequired', `${form.name} asks for a signature; the response has none.`));
};

/**
 * V31: a form names "the types of subjects that can be the subject of responses" (R4 questionnaire-definitions.html), so
 * another is wrong as one outside of `referenceResource` is (V23). Without a subject there is nothing to be wrong.
 */
export const subjectType: WholeRule = ({ form, response }, tell) => {
  const { subjectType: types = [] } = form.questionnaire;
  const { subject } = response;
  if (types.length === 0 || subject === undefined) return;
  const found = targetType(subject, response);
  const text = `${form.name} is about ${types.slice(0, 10).join(' or ')}`;
  if (found === undefined) {
    const why = 'of which type this subject is, the reference does not say, so it was not checked.';
    tell({ ...say(undefined, 'notChecked', `${text}; ${why}`), inside: 'subject' });
  } else if (!types.includes(found)) {
    tell({ ...say(undefined, 'invalidSubjectType', `${text}; the subject is a ${found}.`), inside: 'subject' });
  }
};

/** What the engine does not look at: once for each kind. */
export const unjudged: WholeRule = ({ form }, tell) => {
  for (const what of form.unjudged.slice(0, 20)) {
    tell(say(undefined, 'notChecked', `${form.name} demands what was not checked: ${what}.`));
  }
};

/** V30: no modifierExtension is known, so none may be passed over. (R4 extensibility.html#modifierExtension) */
export const modifiers: WholeRule = ({ form }, tell) => {
  for (const url of form.modifiers.slice(0, 10)) {
    const text = `${form.name} has the modifierExtension ${url.slice(0, 120)}, which this server does not know.`;
    tell(say(undefined, 'modifierExtension', `${text} The answers may mean something else.`));
  }
};
