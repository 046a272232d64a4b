/**
 * Responses are checked where they are written, against the questionnaires that the caller's organization and this
 * server have, that a referral has opened to it, and those that the same transaction writes. It is not the caller who reads them here: who may send
 * answers and not read forms has them checked all the same.
 */
import { EVERYBODY, HOME, type Call } from '../access/principal.js';
import type { Issue } from '../fhir/outcome.js';
import type { Resource, ResourceType } from '../fhir/types.js';
import { parseJson, stringify } from '../kit/json.js';
import { limits } from '../kit/limits.js';
import type { Plan } from '../search/plan.js';
import type { Found } from '../store/port.js';
import type { Lookup, ResponseCheck, Stored } from '../validate/response.js';
import type { AnswersJob } from '../validate/answering.js';
import { asked } from './failures.js';
import type { Prepared, Task } from './prepare/prepare.js';
import { nameOf, type Step } from './operations.js';
import type { SeenStore } from './seen.js';

export interface AnswersParts {
  store: SeenStore;
  responses: ResponseCheck;
  prepare: (task: Task) => Promise<Prepared>;
}

/**
 * @param response what is to be stored: as an object or as text, or, of what was prepared on a thread, all but its items
 * with the text, which is read and checked there, when there is a form to check it by
 * @param was what is current, as text
 * @param steps all that the same request writes
 */
export type CheckAnswers = (
  call: Call,
  response: object | string | { head: Resource; text: string },
  was?: string,
  steps?: readonly Step[],
) => Promise<Issue[]>;

const READ_FOR: ReadonlySet<ResourceType> = new Set(['Questionnaire', 'ValueSet', 'CodeSystem']);

/** What responses are checked by. */
export const isDefinition = ({ type }: { type: ResourceType }): boolean => READ_FOR.has(type);

export function createAnswers({ store, responses, prepare }: AnswersParts): CheckAnswers {
  return (call, response, was, steps = []) => {
    const lookup = lookupFor(call, steps);
    const run = async (job: AnswersJob): Promise<Issue[]> => (await prepare({ kind: 'answers', job })).issues ?? [];
    if (typeof response === 'object' && 'head' in response) {
      const { head, text } = response;
      return responses.check(head, lookup, was, { text, run });
    }
    const whole = typeof response === 'string' ? parsed(response) : (response as Resource);
    // What it replaces may be large, and is read for what may follow it.
    const isLarge = (was?.length ?? 0) > limits.asideBytes;
    return responses.check(whole, lookup, was, isLarge ? { text: stringify(whole), run } : undefined);
  };

  function lookupFor({ principal, ...call }: Call, steps: readonly Step[]): Lookup {
    const { owner } = principal;
    const owners = [...new Set([...principal.owners, HOME])];
    const opened = [owner, EVERYBODY];
    const reader: Call = { ...call, principal: { name: 'questionnaires', role: 'system', owner, owners, opened } };
    return {
      reach: owners.join(' '),
      beside: (type, url, version) => (steps.length < 2 ? undefined : besideIn(steps, type, url, version)),
      async find(type, url, version) {
        const plan: Plan = {
          node: 'all',
          of: [is('url', url), ...(version === undefined ? [] : [is('version', version)])],
        };
        const page = await asked(
          store.search(reader, { purpose: 'search', types: [type], plan }, [], { size: limits.sameCanonical }),
        );
        return page.items.flatMap(storedOf);
      },
      async read(type, id) {
        const [found] = await asked(store.read(reader, 'read', [{ type, id }]));
        return found === undefined ? undefined : storedOf(found)[0];
      },
    };
  }
}

const parsed = (text: string): Resource => parseJson(text, limits.depth) as Resource;

/** The latest of that canonical among what is written. */
function besideIn(
  steps: readonly Step[],
  type: ResourceType,
  url: string,
  version: string | undefined,
): Resource | undefined {
  return steps.findLast(({ key, unchanged, work: { operation } }) => {
    const { resource } = operation;
    if (key.type !== type || unchanged === true || resource?.url !== url) return false;
    return version === undefined || resource.version === version;
  })?.work.operation.resource;
}

const is = (param: string, value: string): Plan => ({
  node: 'entry',
  param,
  test: { kind: 'text', value: { is: [value] } },
});

const storedOf = (found: Found): Stored[] =>
  found.text === undefined
    ? []
    : [{ name: `${nameOf(found)}/_history/${found.version}`, updated: found.updated, text: found.text }];
