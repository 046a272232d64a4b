/**
 * A QuestionnaireResponse against the Questionnaire that it answers: found by a lookup that is handed in, exactly in the
 * version that it names. A form is made ready once; what was found by its canonical is believed for a second, because
 * another process may have stored a newer one. What cannot be checked is told, and stored all the same unless
 * `REQUIRE_QUESTIONNAIRE` says otherwise.
 */
import type { Definitions } from '../fhir/definitions.js';
import type { Issue } from '../fhir/outcome.js';
import { inTurns } from '../fhir/path.js';
import { parseCanonical, parseReference } from '../fhir/reference.js';
import type { Resource, ResourceType } from '../fhir/types.js';
import { parseJson } from '../kit/json.js';
import { limits } from '../kit/limits.js';
import { formOf, type Form } from '../questionnaire/form.js';
import { nothingCompiled, type Compiled } from '../questionnaire/formulas.js';
import { issueOf, say, type RuleCode } from '../questionnaire/issue.js';
import type { Questionnaire, QuestionnaireResponse } from '../questionnaire/types.js';
import { refusedMove } from './moves.js';
import { createCheckReady, jobOf, type AnswersJob, type Ready } from './answering.js';
import { enumerate, listedOf, type Enumerated } from './value-sets.js';

/** A current version of a definition. */
export interface Stored {
  /** `Questionnaire/x/_history/3` */
  name: string;
  updated: number;
  text: string;
}

export interface Lookup {
  /** Who asks, as far as it matters to what is found. */
  reach: string;
  /** What the same request writes, if it is that. */
  beside(type: ResourceType, url: string, version: string | undefined): Resource | undefined;
  find(type: ResourceType, url: string, version: string | undefined): Promise<Stored[]>;
  read(type: ResourceType, id: string): Promise<Stored | undefined>;
}

/** For what is too large to be read here: its text, and who checks it elsewhere. */
export interface Aside {
  text: string;
  run: (job: AnswersJob) => Promise<Issue[]>;
}

export interface ResponseCheck {
  /**
   * @param response all of it, or, where `whole` reads the rest when it is wanted, all but its items
   * @param was what is current, as text
   */
  check(response: Resource, lookup: Lookup, was?: string, aside?: Aside): Promise<Issue[]>;
  /** Something that responses are checked by was written. */
  forget(): void;
}

interface Left {
  lookups: number;
  codes: number;
}

interface Parts {
  definitions: Definitions;
  base: string;
  /** Refuse what has no questionnaire that can be found. */
  required: boolean;
}

export function createResponseCheck({ definitions, base, required }: Parts): ResponseCheck {
  const checkReady = createCheckReady(definitions);
  const found = new Map<string, { until: number; ready: Ready }>();
  const forms = new Map<string, Pick<Ready, 'form' | 'compiled'>>();
  const besides = new WeakMap<Resource, Promise<Ready>>();
  let generation = 0;

  async function readyFor(response: QuestionnaireResponse, lookup: Lookup): Promise<Ready | string> {
    const { questionnaire: canonical } = response;
    if (canonical === undefined) return 'It names no questionnaire.';
    const key = `${lookup.reach} ${canonical}`;
    const reference = parseReference(canonical, base);
    if (reference?.kind === 'contained') {
      const contained = (response.contained ?? []).find(({ id }) => id === reference.id);
      if (contained?.resourceType !== 'Questionnaire') return `${canonical.slice(0, 80)} is not contained in it.`;
      return readyOf(formOf(contained, canonical), nothingCompiled(), lookup);
    }
    const { url, version } = parseCanonical(canonical);
    const beside = lookup.beside('Questionnaire', url, version);
    if (beside !== undefined) {
      const ready = besides.get(beside) ?? readyOf(formOf(beside, canonical), nothingCompiled(), lookup);
      besides.set(beside, ready);
      return ready;
    }
    const known = found.get(key);
    if (known !== undefined && known.until > performance.now()) return known.ready;
    const began = generation;
    const local = reference?.kind === 'resource' && reference.base === undefined ? reference : undefined;
    const one =
      local === undefined
        ? newest(await lookup.find('Questionnaire', url, version))
        : await lookup.read('Questionnaire', local.type === 'Questionnaire' ? local.id : '');
    const isOther = local?.version !== undefined && one?.name.endsWith(`/_history/${local.version}`) !== true;
    if (one === undefined || isOther) return `${canonical.slice(0, 200)} is not on this server.`;
    const { form, compiled } = formIn(one, local === undefined ? canonical : one.name);
    const ready = await readyOf(form, compiled, lookup);
    if (began === generation) remember(found, key, { until: performance.now() + limits.formFreshMs, ready });
    return ready;
  }

  function formIn({ name, text }: Stored, called: string): Pick<Ready, 'form' | 'compiled'> {
    const known = forms.get(name);
    if (known !== undefined) return known;
    const form = formOf(parseJson(text, limits.depth) as Questionnaire, called);
    const made = { form, compiled: nothingCompiled() };
    remember(forms, name, made);
    return made;
  }

  /** What a form makes this server look up and hold is bounded; the rest is told as not checked. */
  async function readyOf(form: Form, compiled: Compiled, lookup: Lookup): Promise<Ready> {
    const codes = new Map<string, Enumerated>();
    const left: Left = { lookups: limits.formLookups, codes: limits.formCodes };
    for (const valueSet of form.valueSets) {
      const found =
        left.lookups > 0 && left.codes > 0
          ? await codesOf(form.questionnaire, valueSet, lookup, left)
          : { why: 'the value sets of this questionnaire are too many, or too large' };
      if ('codes' in found) left.codes -= found.codes.size;
      codes.set(valueSet, found);
    }
    return { form, compiled, codes };
  }

  async function codesOf(
    { contained }: Questionnaire,
    canonical: string,
    lookup: Lookup,
    left: Left,
  ): Promise<Enumerated> {
    const resolve = async (type: ResourceType, name: string): Promise<Resource | undefined> => {
      if (name.startsWith('#')) {
        return contained?.find(({ id, resourceType }) => id === name.slice(1) && resourceType === type);
      }
      const { url, version } = parseCanonical(name);
      const own = contained?.find((one) => one.resourceType === type && one.url === url);
      const beside = own ?? lookup.beside(type, url, version);
      if (beside !== undefined) return beside;
      left.lookups -= 1;
      const stored = left.lookups < 0 ? undefined : newest(await lookup.find(type, url, version));
      return stored === undefined ? undefined : (parseJson(stored.text, limits.depth) as Resource);
    };
    const valueSet = await resolve('ValueSet', canonical);
    if (valueSet !== undefined) return enumerate(valueSet, resolve);
    const known = definitions.valueSet(parseCanonical(canonical).url);
    if (known === undefined) return { why: 'it is not stored here' };
    return listedOf(known.systems);
  }

  /** What may follow what is asked there too: it is about the contents of both. */
  async function checkAside(
    head: QuestionnaireResponse,
    lookup: Lookup,
    was: string | undefined,
    { text, run }: Aside,
  ): Promise<Issue[]> {
    if (head.status === 'entered-in-error') return [];
    const ready = await readyFor(head, lookup);
    const found = typeof ready === 'string' ? undefined : ready;
    const issues = found === undefined && was === undefined ? [] : await run(jobOf(text, was, found));
    return typeof ready === 'string' && issues.length === 0 ? [unresolved(ready, required)] : issues;
  }

  return {
    async check(resource, lookup, was, aside) {
      const response = resource as QuestionnaireResponse;
      if (aside !== undefined) return checkAside(response, lookup, was, aside);
      const refused = was === undefined ? [] : refusedMove(parseJson(was, limits.depth) as Resource, response);
      if (refused.length > 0 || response.status === 'entered-in-error') return refused;
      const ready = await readyFor(response, lookup);
      if (typeof ready === 'string') return [unresolved(ready, required)];
      return inTurns(ready.compiled.reading, () => checkReady(ready, response));
    },
    forget() {
      generation += 1;
      found.clear();
    },
  };
}

/** V1 */
function unresolved(why: string, required: boolean): Issue {
  const rule: RuleCode = 'questionnaireNotFound';
  const fix = required
    ? 'This server takes only answers that it can check (REQUIRE_QUESTIONNAIRE): store the questionnaire first.'
    : 'The answers were not checked: neither their linkIds nor their types, values, options, nor whether any is missing.';
  const one = { ...say(undefined, rule, `${why} ${fix}`), inside: 'questionnaire' };
  return issueOf(required ? { ...one, severity: 'error' } : one, false);
}

/** Of several of one canonical: the newest that is active, by its version and then by when it was stored. */
function newest(stored: Stored[]): Stored | undefined {
  if (stored.length < 2) return stored[0];
  const read = stored.map((one) => ({ one, resource: parseJson(one.text, limits.depth) as Resource }));
  read.sort(
    (left, right) =>
      Number(right.resource.status === 'active') - Number(left.resource.status === 'active') ||
      byVersion(versionOf(right.resource), versionOf(left.resource)) ||
      right.one.updated - left.one.updated,
  );
  return read[0]?.one;
}

const versionOf = ({ version }: Resource): string => (typeof version === 'string' ? version : '');

/** `1.10.0` comes after `1.9.0`. */
const byVersion = (left: string, right: string): number => left.localeCompare(right, 'en', { numeric: true });

/** A bounded map: the oldest goes. */
function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.keys().next();
  if (map.size > limits.formsReady && oldest.done !== true) map.delete(oldest.value);
}
