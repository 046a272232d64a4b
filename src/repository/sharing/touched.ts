/**
 * Which referrals a write may change: those of the requests and Tasks that it changes, those that what it writes says it
 * belongs to, and those that have listed what it changes. Most writes touch none, and are told so by what they say.
 */
import { limits } from '../../kit/limits.js';
import { isRange } from '../../search/plan.js';
import { isThere, REFERS, type Change, type Found, type Store } from '../../store/port.js';
import { nameOf, shownBy } from '../operations.js';
import { answeredWith, SAYING_SO } from './contents.js';
import { othersNamed, requestOf } from './referral.js';
import { knownOf, valuesAt, type Known, type World } from './world.js';

/** A change, and what is current before it; its search values may not have been read. */
export interface Turn {
  change: Change;
  was: Found | undefined;
}

export interface Touched {
  /** Referrals that others may be changing at the same time. */
  known: Set<string>;
  /** Requests and Tasks that begin with this write: nobody else can know of them yet. */
  fresh: Set<string>;
  /** Requests to which something is added: that matters only where they open anything. */
  quiet: Set<string>;
  /** Referrals that show a form by its URL: they may be many, and may follow after the write. */
  later: Set<string>;
}

export interface Around {
  /** What the write leaves. */
  world: World;
  /** What is stored. */
  before: World;
  via: Store['sharing']['via'];
  /** References lead to what is there already: nothing waits for what is written under an id that a client chose. */
  enforced: boolean;
}

export async function touchedBy(turns: readonly Turn[], around: Around): Promise<Touched> {
  const touched: Touched = { known: new Set(), fresh: new Set(), quiet: new Set(), later: new Set() };
  for (const turn of turns) {
    const [now, was] = [nowOf(turn), wasOf(turn)];
    if (turn.change.type === 'ServiceRequest')
      (turn.was === undefined ? touched.fresh : touched.known).add(nameOf(turn.change));
    if (turn.change.type === 'Task') await ofTask(turn, around, touched);
    if (now !== undefined) await belongs(now, namesIn(turn.change), around.world, touched);
    if (was !== undefined && SAYING_SO.has(was.key.type))
      await belongs(was, around.before.named(was.says, 'basedOn'), around.before, touched);
    if (turn.change.type === 'Questionnaire') await ofForm([now, was], around, touched.later);
  }
  await listed(turns, around, touched.known);
  if (!around.enforced) await awaited(turns, around, touched.known);
  // Who is awaited by others is not unknown to them.
  for (const name of touched.known) touched.fresh.delete(name);
  return touched;
}

/** A Task that names nobody else and brings nothing of theirs changes no referral: most stay in their own house. */
async function ofTask(turn: Turn, { world, before }: Around, { known, fresh }: Touched): Promise<void> {
  for (const [one, of] of [
    [nowOf(turn), world],
    [wasOf(turn), before],
  ] as const) {
    if (one === undefined || !(await isBetween(one, of))) continue;
    const request = await requestOf(one, of);
    if (request === undefined && turn.was === undefined) fresh.add(one.name);
    else known.add(request ?? one.name);
  }
}

async function isBetween(task: Known, world: World): Promise<boolean> {
  if ((await othersNamed(task, world)).size > 0) return true;
  const outputs = world.named(task.says, 'output.valueReference');
  await world.loadOwners(outputs);
  return outputs.some((name) => world.ownerOf(name) !== task.owner);
}

/**
 * Requests and Tasks that it refers to: somebody's answer, or a part of the case. Whatever others refer by counts, so
 * that nobody can make a referral that has more of it than can be looked through.
 */
async function belongs(one: Known, names: string[], world: World, { known, quiet }: Touched): Promise<void> {
  const targets = names.filter((name) => TARGET.test(name));
  await world.loadOwners(targets);
  for (const name of targets) {
    if (world.ownerOf(name) !== one.owner) known.add(name);
    else if (name.startsWith('ServiceRequest/') && SAYING_SO.has(one.key.type)) quiet.add(name);
  }
}

/** A form is opened with the responses that name its URL. */
async function ofForm(forms: (Known | undefined)[], { world, via }: Around, later: Set<string>): Promise<void> {
  const there = forms.filter((one) => one !== undefined);
  for (const url of new Set(there.flatMap(({ says }) => (typeof says.url === 'string' ? [says.url] : []))))
    for await (const keys of world.keysValued('QuestionnaireResponse', there[0]?.owner ?? '', 'questionnaire', url))
      for (const one of referralsIn(await via(keys))) later.add(one);
}

/** What is listed somewhere and now leads to something else, or is gone. */
async function listed(turns: readonly Turn[], { world, before, via }: Around, known: Set<string>): Promise<void> {
  const changed = turns.filter(({ was }) => isThere(was));
  if (changed.length === 0) return;
  const by = await via(changed.map(({ change: { type, id } }) => ({ type, id })));
  for (const { change } of changed) {
    const name = nameOf(change);
    const referrals = referralsIn(new Map([[name, by.get(name) ?? []]]));
    if (referrals.length === 0) continue;
    await Promise.all([world.load([name]), before.load([name])]);
    if (signOf(world.at(name), world) !== signOf(before.at(name), before)) for (const one of referrals) known.add(one);
  }
}

/** Where references may lead nowhere: what was referred to, or named, before it came. */
async function awaited(turns: readonly Turn[], { world, via }: Around, known: Set<string>): Promise<void> {
  const names = turns.filter(({ change, was }) => was === undefined && change.method === 'PUT');
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const some = names.slice(at, at + AT_ONCE).map(({ change }) => nameOf(change));
    const referrers = await world.referrers(some, limits.caseReferrers);
    for (const one of referrers) {
      if (one.key.type === 'ServiceRequest' || one.key.type === 'Task') known.add(one.name);
      const request = one.key.type === 'Task' ? await requestOf(one, world) : undefined;
      if (request !== undefined) known.add(request);
    }
    for (const one of referralsIn(await via(referrers.map(({ key }) => key)))) known.add(one);
  }
}

/** All that decides what is opened with a listed resource, as a text. */
function signOf(one: Known | undefined, world: World): string {
  if (one === undefined) return '';
  const places = [...SAYING, 'meta.security', ...(LEADING[one.key.type] ?? [])];
  const said = places.map((place) => valuesAt(one.says, place.split('.')));
  return JSON.stringify([shownBy(one.found), said, answeredWith(one.says, world), world.aboutWhom(one)]);
}

/** TABLE: elements by which a resource of a case or an answer leads to more of it. */
const LEADING: Record<string, readonly string[]> = {
  QuestionnaireResponse: ['questionnaire'],
  DiagnosticReport: ['result', 'media.link'],
};

/** Elements by which a resource says what it belongs to. */
const SAYING = ['basedOn', 'partOf', 'focus', 'about'] as const;
const TARGET = /^(?:ServiceRequest|Task)\//;

const namesIn = ({ entries }: Change): string[] =>
  entries.flatMap((entry) => (entry.param === REFERS && !isRange(entry) ? [entry.value] : []));

const referralsIn = (by: Map<string, string[]>): string[] => [...by.values()].flat().filter((via) => TARGET.test(via));

const nowOf = ({ change }: Turn): Known | undefined =>
  change.text === undefined ? undefined : knownOf(nameOf(change), change);
const wasOf = ({ was }: Turn): Known | undefined => (isThere(was) ? knownOf(nameOf(was), was) : undefined);

const AT_ONCE = 200;
