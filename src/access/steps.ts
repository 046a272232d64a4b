/**
 * TABLE: who may take which step of a Task that two organizations meet at. One asks, the other does: the asked one says
 * how far it is and what came of it, and changes nothing else; the asking one may say anything but that.
 * A Task that stays in its own house is free. (R4 task.html#statemachine, docs/sharing.md)
 */
import { isDeepStrictEqual } from 'node:util';
import { failure, type FhirError } from '../fhir/outcome.js';
import type { Element } from '../fhir/types.js';
import type { Principal } from './principal.js';

/** The performer's organization is the one that `Task.owner` names; the two others are the Task's own. */
export type Part = 'performer' | 'requester' | 'coordinator';

type Steps = Readonly<Record<string, readonly string[]>>;

const ASKING: Steps = {
  draft: ['requested', 'cancelled'],
  requested: ['ready', 'cancelled'],
  received: ['cancelled'],
  accepted: ['on-hold', 'cancelled'],
  ready: ['cancelled'],
  'in-progress': ['on-hold', 'cancelled'],
  'on-hold': ['in-progress', 'cancelled'],
};

export const STEPS: Readonly<Record<Part, Steps>> = {
  performer: {
    requested: ['received', 'accepted', 'rejected'],
    received: ['accepted', 'rejected'],
    accepted: ['in-progress', 'on-hold', 'failed'],
    ready: ['in-progress'],
    'in-progress': ['on-hold', 'completed', 'failed'],
    'on-hold': ['in-progress', 'failed'],
  },
  requester: ASKING,
  coordinator: ASKING,
};

/** What is the performer's to change; all else of the Task stays as the requester wrote it. */
const PERFORMERS: ReadonlySet<string> = new Set([
  'status',
  'statusReason',
  'businessStatus',
  'output',
  'note',
  'owner',
  'executionPeriod',
  'lastModified',
  'meta',
]);

/** What others have written stays: more may be added behind it. */
const APPENDED = ['output', 'note'] as const;

/** Nobody else is asked any more. */
const ENDED: ReadonlySet<string> = new Set(['rejected', 'cancelled', 'failed', 'completed', 'entered-in-error']);

/** What is asked: one Task before and after, whose it is, and which organization `Task.owner` names in both. */
export interface Asked {
  name: string;
  organization: string;
  was: Element;
  next: Element;
  asked: { was: string | undefined; next: string | undefined };
}

/** Throws 403 for what is not this caller's to do; the Task is known to be between two organizations. */
export function demandStep(principal: Principal, task: Asked): void {
  const part = partOf(principal, task.organization);
  const refused = part === 'performer' ? ofPerformer(principal, task) : ofRequester(part, task);
  if (refused !== undefined) throw refused;
}

export function partOf({ owner, role }: Principal, organization: string): Part {
  if (owner !== organization) return 'performer';
  return role === 'coordinator' || role === 'administrator' ? 'coordinator' : 'requester';
}

function ofPerformer({ owner }: Principal, task: Asked): FhirError | undefined {
  const { name, was, next, asked } = task;
  if (asked.was !== owner)
    return refuse(
      name,
      'owner',
      'Only whom Task.owner names takes its steps, and it names nobody of your organization.',
    );
  if (asked.next !== owner)
    return refuse(
      name,
      'owner',
      'It may be handed on within your organization only; its own coordinator may ask another.',
    );
  const other = [...new Set([...Object.keys(was), ...Object.keys(next)])].find(
    (element) => !PERFORMERS.has(element) && !isDeepStrictEqual(was[element], next[element]),
  );
  if (other !== undefined) {
    const say = `${other} is its requester's to change; its performer changes ${[...PERFORMERS].join(', ')}.`;
    return refuse(name, other, say);
  }
  return lost(task) ?? stepped('performer', task);
}

function ofRequester(part: 'requester' | 'coordinator', task: Asked): FhirError | undefined {
  const { name, was, next } = task;
  const [from, to] = [String(was.status), String(next.status)];
  const isAnother = !isDeepStrictEqual(was.owner, next.owner);
  if (from !== 'draft') {
    const gone = lost(task);
    if (gone !== undefined) return gone;
    if (isAnother && part !== 'coordinator')
      return refuse(
        name,
        'owner',
        'Once it is requested, a coordinator or administrator of its organization may ask another.',
      );
    if (isAnother && ENDED.has(from))
      return refuse(name, 'owner', `It is ${from}: nobody else can be asked. Make another Task.`);
    if (isAnother && to !== 'requested')
      return refuse(
        name,
        'status',
        'Whoever is asked anew has not answered: with another owner its status is requested.',
      );
    if (isAnother) return undefined;
  }
  return stepped(part, task);
}

function stepped(part: Part, { name, was, next }: Asked): FhirError | undefined {
  const [from, to] = [String(was.status), String(next.status)];
  if (from === to || mayTake(part, from, to)) return undefined;
  const parts = (Object.keys(STEPS) as Part[]).filter((one) => mayTake(one, from, to));
  const who = parts.length === 0 ? 'Nobody may take it' : `It is for the ${parts.join(' or the ')}`;
  const own = [...(STEPS[part][from] ?? []), ...(part === 'performer' ? [] : ['entered-in-error'])];
  const may = own.length === 0 ? 'takes no step from there' : `may go on to ${own.join(', ')}`;
  return refuse(name, 'status', `The step ${from} → ${to} is not for the ${part}. ${who}; the ${part} ${may}.`);
}

const mayTake = (part: Part, from: string, to: string): boolean =>
  (STEPS[part][from]?.includes(to) ?? false) || (part !== 'performer' && to === 'entered-in-error');

function lost({ name, was, next }: Asked): FhirError | undefined {
  const element = APPENDED.find((one) => {
    const [before, after] = [listOf(was[one]), listOf(next[one])];
    return !isDeepStrictEqual(before, after.slice(0, before.length));
  });
  if (element === undefined) return undefined;
  return refuse(name, element, `What stands in ${element} stays as it is: add behind it.`);
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : value === undefined ? [] : [value]);

const refuse = (name: string, element: string, say: string): FhirError =>
  failure('forbidden', `${name} is between two organizations. ${say} Nothing was written.`, `Task.${element}`);
