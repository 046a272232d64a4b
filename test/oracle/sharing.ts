/** What referrals open to whom, by plain loops over the whole world (docs/sharing.md). */
import { PLACES } from './roles.js';
import { ofText, once, thereOf } from './state.js';
import { current, DAY, nameOf, OWNERS, type Json, type Kept, type World } from './world.js';

export const REFERRAL_DAYS = 30;

const NAMES_AN_ORGANIZATION = new Set([
  'Organization',
  'Practitioner',
  'PractitionerRole',
  'CareTeam',
  'HealthcareService',
]);
const OPEN_REQUEST = new Set(['active', 'on-hold']);
const OPEN_TASK = new Set(['requested', 'received', 'accepted', 'ready', 'in-progress', 'on-hold']);

/** `Type/id` of all that is open to each organization. */
export type Open = Map<string, Set<string>>;

export const isDirectory = (kept: Kept): boolean =>
  PLACES.has(kept.type) || (kept.type === 'CareTeam' && current(kept)?.subject === undefined);

/** `isWithheld` says what a patient refuses to an organization: bytes go with the last resource that shows them. */
export function openIn(world: World, isWithheld: (kept: Kept, to: string) => boolean): Open {
  const open: Open = new Map(OWNERS.map((owner) => [owner, new Set<string>()]));
  for (const kept of thereOf(world))
    if (isDirectory(kept)) for (const owner of OWNERS) open.get(owner)!.add(nameOf(kept));
  for (const request of thereOf(world, 'ServiceRequest')) {
    const tasks = thereOf(world, 'Task').filter((one) => isTaskOf(one, request));
    for (const to of OWNERS) {
      if (to === request.owner || !isOpenTo(world, request, tasks, to)) continue;
      const naming = tasks.filter((one) => names(world, one, to));
      give(
        open,
        to,
        request.owner,
        caseOf(world, request, naming, (kept) => isWithheld(kept, to)),
      );
    }
    give(
      open,
      request.owner,
      undefined,
      answers(world, request, tasks, (kept) => isWithheld(kept, request.owner)),
    );
  }
  for (const task of thereOf(world, 'Task')) {
    if (thereOf(world, 'ServiceRequest').some((one) => isTaskOf(task, one))) continue;
    for (const to of OWNERS)
      if (to !== task.owner && names(world, task, to) && isTaskOpen(world, task))
        give(
          open,
          to,
          task.owner,
          caseOf(world, undefined, [task], (kept) => isWithheld(kept, to)),
        );
    give(
      open,
      task.owner,
      undefined,
      answers(world, undefined, [task], (kept) => isWithheld(kept, task.owner)),
    );
  }
  return open;

  /** With an owner: what is that one's; without: what is not the receiver's own. */
  function give(all: Open, to: string, owner: string | undefined, found: Kept[]): void {
    const given = found.filter(
      (kept) => (owner === undefined ? kept.owner !== to : kept.owner === owner) && !isWithheld(kept, to),
    );
    for (const kept of given) {
      all.get(to)!.add(nameOf(kept));
      for (const binary of bytes(world, kept))
        if (binary.owner === kept.owner && !isWithheld(binary, to)) all.get(to)!.add(nameOf(binary));
    }
  }
}

const isTaskOf = (task: Kept, request: Kept): boolean =>
  task.type === 'Task' && task.owner === request.owner && current(task)?.focus?.reference === nameOf(request);

/** The organization that this reference names, if it names one. */
export function named(world: World, reference: Json): string | undefined {
  const target = world.at.get(reference?.reference ?? '');
  if (target === undefined || current(target) === undefined) return undefined;
  return NAMES_AN_ORGANIZATION.has(target.type) ? target.owner : undefined;
}

export function names(world: World, kept: Kept, to: string): boolean {
  const { performer = [], owner, restriction } = current(kept);
  const said = kept.type === 'Task' ? [owner, ...(restriction?.recipient ?? [])] : performer;
  return said.some((one: Json) => named(world, one) === to);
}

function isOpenTo(world: World, request: Kept, tasks: Kept[], to: string): boolean {
  const { status } = current(request);
  if (!OPEN_REQUEST.has(status) && !(status === 'completed' && isInTime(world, request))) return false;
  const naming = tasks.filter((one) => names(world, one, to));
  return naming.length === 0 ? names(world, request, to) : naming.some((one) => isTaskOpen(world, one));
}

export function isTaskOpen(world: World, task: Kept): boolean {
  const { status } = current(task);
  return OPEN_TASK.has(status) || (status === 'completed' && isInTime(world, task));
}

/** Whether what is completed became so less than REFERRAL_DAYS ago: the first of its present run of versions counts. */
function isInTime({ now }: World, { versions }: Kept): boolean {
  let at = versions.length - 1;
  while (at > 0 && versions[at - 1]!.resource?.status === versions[at]!.resource.status) at -= 1;
  return now < versions[at]!.at + REFERRAL_DAYS * DAY;
}

/** What is listed, whoever owns it: the caller takes what the right organization owns. */
function caseOf(world: World, request: Kept | undefined, tasks: Kept[], isWithheld: (kept: Kept) => boolean): Kept[] {
  const listed: Kept[] = [];
  const add = (reference: Json, types?: string[]) => {
    const found = world.at.get(reference?.reference ?? '');
    if (found === undefined || current(found) === undefined || listed.includes(found)) return;
    if (types === undefined || types.includes(found.type)) listed.push(found);
  };
  const owner = (request ?? tasks[0])?.owner;
  if (request !== undefined) {
    listed.push(request);
    for (const one of current(request).supportingInfo ?? []) add(one);
    add(current(request).subject, ['Patient']);
    for (const kept of [...thereOf(world, 'QuestionnaireResponse'), ...thereOf(world, 'Media')])
      if (isBasedOn(kept, request)) add({ reference: nameOf(kept) });
  }
  for (const task of tasks) {
    add({ reference: nameOf(task) });
    add(current(task).focus);
    for (const { valueReference } of current(task).input ?? []) add(valueReference);
    add(current(task).for, ['Patient']);
  }
  // What a response leads to goes with it.
  const own = listed.filter((one) => one.owner === owner && !isWithheld(one));
  const responses = own.filter(({ type }) => type === 'QuestionnaireResponse').map(current);
  for (const response of responses) {
    for (const answer of answersOf(response)) add(answer, ['Media', 'DocumentReference']);
    for (const form of thereOf(world, 'Questionnaire'))
      if (isForm(current(form), response.questionnaire)) listed.push(form);
  }
  return listed;
}

function answers(world: World, request: Kept | undefined, tasks: Kept[], isWithheld: (kept: Kept) => boolean): Kept[] {
  const about = request ?? tasks[0]!;
  const listed = pointing(world).filter(
    (kept) => kept.owner !== about.owner && (isBasedOn(kept, about) || isAbout(kept, about, request === undefined)),
  );
  for (const task of tasks)
    for (const { valueReference } of current(task).output ?? []) {
      const found = world.at.get(valueReference?.reference ?? '');
      if (found !== undefined && current(found) !== undefined && found.owner !== about.owner) listed.push(found);
    }
  for (const report of listed.filter((one) => one.type === 'DiagnosticReport' && !isWithheld(one))) {
    const { result = [], media = [] } = current(report);
    for (const { reference } of [...result, ...media.map(({ link }: Json) => link)]) {
      const found = world.at.get(reference);
      if (found !== undefined && current(found) !== undefined && found.owner === report.owner) listed.push(found);
    }
  }
  return listed;
}

/** What may be said to be about something. */
const pointing = (world: World): Kept[] =>
  once(world, 'pointing', () =>
    thereOf(world).filter((kept) => ['basedOn', 'about', 'partOf', 'focus'].some((name) => name in current(kept))),
  );

const isBasedOn = (kept: Kept, about: Kept): boolean =>
  [current(kept).basedOn ?? []].flat().some((one: Json) => one.reference === nameOf(about));

/** Communications speak about a request or a Task; of a Task alone more may be said. */
function isAbout(kept: Kept, about: Kept, alone: boolean): boolean {
  const { about: topics = [], partOf = [], focus } = current(kept);
  const said = kept.type === 'Communication' ? [...topics] : [];
  if (alone) said.push(...[partOf].flat(), ...[focus ?? []].flat());
  return said.some((one: Json) => one?.reference === nameOf(about));
}

function answersOf(response: Json): Json[] {
  const found: Json[] = [];
  const visit = ({ item = [], answer = [] }: Json) => {
    for (const one of answer) {
      if (one.valueReference !== undefined) found.push(one.valueReference);
      visit(one);
    }
    item.forEach(visit);
  };
  visit(response);
  return found;
}

function isForm({ url, version }: Json, canonical: string | undefined): boolean {
  const [of, at] = (canonical ?? '').split('|');
  return url === of && (at === undefined || at === version);
}

/** The Binaries that it shows. */
const bytes = (world: World, kept: Kept): Kept[] =>
  urlsIn(current(kept)).flatMap((url) => thereOf(world, 'Binary').filter((one) => nameOf(one) === url));

const urlsIn = ofText(({ content }: Json): string[] =>
  [content ?? []].flat().map((one: Json) => one.url ?? one.attachment?.url),
);

export const shows = (kept: Kept, binary: Kept): boolean => urlsIn(current(kept)).includes(nameOf(binary));

/** All that shows any bytes. */
export const showing = (world: World): Kept[] =>
  once(world, 'showing', () => thereOf(world).filter((kept) => urlsIn(current(kept)).length > 0));
