/**
 * What a referral opens. To those whom it names the case: what its organization listed, and nothing that this leads to.
 * To that organization the answers: what others wrote for it. Each only as far as it is there and belongs to whom it must.
 */
import type { Window } from '../../access/consent/windows.js';
import { failure } from '../../fhir/outcome.js';
import { parseCanonical } from '../../fhir/reference.js';
import { limits } from '../../kit/limits.js';
import type { Opening } from '../../store/port.js';
import { shownBy } from '../operations.js';
import { FOREVER, type Referral } from './referral.js';
import { Shown } from './shown.js';
import { valuesAt, type Known, type World } from './world.js';

const NEVER: Window = { from: 0, until: 0 };

/** TABLE: where a request, or a Task of the case, lists what belongs to it. */
const LISTED = {
  request: ['supportingInfo', 'subject'],
  task: ['focus', 'input.valueReference', 'for'],
} as const;

/** Of these elements only a Patient is opened: a Group tells of others. */
const OF_PATIENT: ReadonlySet<string> = new Set(['subject', 'for']);

/** What belongs to the case because it says so itself, by its `basedOn`. */
export const SAYING_SO: ReadonlySet<string> = new Set(['QuestionnaireResponse', 'Media']);
/** What a QuestionnaireResponse may answer with. */
const ANSWERED: ReadonlySet<string> = new Set(['Media', 'DocumentReference']);

/** TABLE: by which elements somebody's answer says what it answers. */
const ANSWERS_REQUEST = ['basedOn'] as const;
const ANSWERS_TASK = ['basedOn', 'partOf', 'focus'] as const;

/** What a referral opens now, to whom, and when. Throws 422 when that is more than one referral may. */
export async function contentsOf(referral: Referral, world: World, now: number): Promise<Opening[]> {
  const found: Opening[] = [];
  const put = (shown: Shown): void => {
    for (const { key, to, windows } of shown.all()) {
      const open = windows.filter(({ until }) => until > now);
      // What is open at no time belongs to the referral all the same: when it changes, this is computed anew.
      for (const { from, until } of open.length > 0 ? open : [NEVER]) found.push({ ...key, to, from, until });
    }
  };
  for (const [to, { until, tasks }] of referral.open)
    if (until > now) put(await caseOf(referral, tasks, new Shown(world, to, { from: 0, until })));
  put(await answersTo(referral, world, new Shown(world, referral.owner, { from: 0, until: FOREVER })));
  return found;
}

/** @param tasks those that name whom it is opened to */
async function caseOf({ via, owner, request }: Referral, tasks: Known[], shown: Shown): Promise<Shown> {
  const { world } = shown;
  const names = new Set<string>();
  for (const type of request === undefined ? [] : SAYING_SO)
    for (const one of await world.valued(type, owner, 'based-on', via, limits.caseResources))
      if (world.named(one.says, 'basedOn').includes(via)) names.add(one.name);
  const list = (one: Known, places: readonly string[]): void => {
    names.add(one.name);
    for (const place of places)
      for (const name of world.named(one.says, place))
        if (!OF_PATIENT.has(place) || name.startsWith('Patient/')) names.add(name);
  };
  if (request !== undefined) list(request, LISTED.request);
  for (const task of tasks) list(task, LISTED.task);
  refuseMore(names.size);
  const own = (some: Known[]): Known[] => some.filter((one) => one.owner === owner);
  const listed = own(await world.all(names));
  for (const one of listed) await shown.add(one);
  for (const one of listed) {
    const { key, says } = one;
    if (key.type !== 'QuestionnaireResponse') continue;
    const answered = answeredWith(says, world).filter((name) => ANSWERED.has(name.slice(0, name.indexOf('/'))));
    for (const more of own(await world.all(answered))) await shown.add(more, one);
    for (const form of await formsOf(says.questionnaire, owner, world)) await shown.add(form, one);
    refuseMore(shown.size);
  }
  const showing = [...shown.known()];
  refuseMore(shown.size + showing.flatMap(({ found }) => shownBy(found)).length);
  for (const one of showing) for (const bytes of own(await world.all(shownBy(one.found)))) await shown.add(bytes, one);
  return shown;
}

/** What the answers of a QuestionnaireResponse refer to, in all levels of its items. */
export function answeredWith(item: unknown, world: World): string[] {
  return valuesAt(item, ['item']).flatMap((inner) => [
    ...valuesAt(inner, ['answer', 'valueReference']).flatMap((value) => world.local(value) ?? []),
    ...answeredWith(inner, world),
    ...valuesAt(inner, ['answer']).flatMap((answer) => answeredWith(answer, world)),
  ]);
}

/** The owner's forms that a canonical means: of this version, or, where it names none, of all. */
async function formsOf(canonical: unknown, owner: string, world: World): Promise<Known[]> {
  if (typeof canonical !== 'string') return [];
  const { url, version } = parseCanonical(canonical);
  const found = await world.valued('Questionnaire', owner, 'url', url, limits.sameCanonical);
  return version === undefined ? found : found.filter(({ says }) => says.version === version);
}

async function answersTo(referral: Referral, world: World, shown: Shown): Promise<Shown> {
  const { via, owner, tasks, referrers, request } = referral;
  const places = via.startsWith('ServiceRequest/') ? ANSWERS_REQUEST : ANSWERS_TASK;
  const says = ({ key, says: said }: Known): boolean =>
    places.some((place) => world.named(said, place).includes(via)) ||
    (key.type === 'Communication' && world.named(said, 'about').includes(via));
  const outputs = tasks.flatMap((task) => world.named(task.says, 'output.valueReference'));
  const given = [...referrers.filter(says), ...(await world.all(outputs))].filter((one) => one.owner !== owner);
  for (const one of given) await shown.add(one);
  for (const one of new Set(given)) {
    if (one.key.type !== 'DiagnosticReport') continue;
    const parts = ['result', 'media.link'].flatMap((place) => world.named(one.says, place));
    for (const part of await world.all(parts)) if (part.owner === one.owner) await shown.add(part, one);
  }
  for (const one of [...shown.known()])
    for (const bytes of await world.all(shownBy(one.found))) if (bytes.owner === one.owner) await shown.add(bytes, one);
  if (shown.size <= limits.caseResources) return shown;
  const say = `${shown.size} resources would be answers to ${request?.name ?? via}; one referral may have ${limits.caseResources}`;
  throw failure(
    'unprocessable',
    `${say} (limit caseResources). Put what belongs together into one of them.`,
    'basedOn',
  );
}

function refuseMore(count: number): void {
  if (count <= limits.caseResources) return;
  const say = `This referral would open ${count} resources; one may open ${limits.caseResources} (limit caseResources).`;
  throw failure('unprocessable', `${say} List fewer.`, 'ServiceRequest.supportingInfo');
}
