/**
 * What a patient's Consents deny, as a condition on security labels: the rest of the question (who, which type, when,
 * what for) is known when it is asked. The newest Consent that says something decides; where none does, nothing is
 * denied. One function serves a single resource, a caller's plan and an organization's openings, so that they agree.
 */
import type { Instant } from '../../kit/clock.js';
import { everything, nothing, type Plan } from '../../search/plan.js';
import { isEverything, isNothing } from '../../search/restrict.js';
import { EMERGENCY_PURPOSES } from '../emergency.js';
import type { Agreement, Label, Provision } from './consent.js';

export interface Question {
  /** A resource type. */
  type: string;
  actor: Actor;
  at: Instant;
  /** In an emergency only those refusals count that say so themselves: the others are what it overrides. */
  emergency?: boolean;
}

export type Actor =
  /** One caller. */
  | { kind: 'caller'; organization: string; people: readonly string[] }
  /** Whether anybody of an organization may see it: what is refused to some of them only is not refused. */
  | { kind: 'anyone'; organization: string }
  /** One caller, and only those refusals that name them, or a role or team of theirs, in person. */
  | { kind: 'person'; organization: string; people: readonly string[] };

/** Where a provision says so, as plans over labels; no resource meets both. */
interface Said {
  deny: Plan;
  permit: Plan;
}

/**
 * Which resources are denied; `nothing` when none is.
 * @param agreements one patient's, of the organization that owns the resources
 */
export function denied(agreements: readonly Agreement[], question: Question): Plan {
  let [refused, open] = [nothing, everything];
  for (const { root, owner } of [...agreements].sort(newestFirst)) {
    const { deny, permit } = says(root, question, { inside: isInside(question.actor, owner) });
    refused = or(refused, and(open, deny));
    open = and(open, not(or(deny, permit)));
  }
  return refused;
}

const newestFirst = (one: Agreement, other: Agreement): number =>
  other.given - one.given || other.updated - one.updated;

const isInside = (actor: Actor, owner: string): boolean => actor.kind === 'person' || actor.organization === owner;

/** What provisions further up have settled. */
interface Named {
  /** The caller is of the organization that keeps the Consent. */
  inside: boolean;
  actor?: boolean;
  purpose?: boolean;
  /** Only some of those are meant who are asked about. */
  some?: boolean;
}

function says(provision: Provision, question: Question, named: Named): Said {
  const { type, exceptions, vague } = provision;
  const here = coverage(provision, question);
  const meant = meets(provision, question.actor);
  if (isNothing(here) || meant === 'nobody') return SILENT;
  const below: Named = {
    inside: named.inside,
    actor: named.actor === true || isNamed(provision, question.actor),
    purpose: named.purpose === true || provision.purposes?.some((code) => EMERGENCIES.has(code)) === true,
    some: named.some === true || meant === 'some',
  };
  const inner = exceptions.map((one) => says(one, question, below));
  const deny = and(here, anyOf(inner.map((one) => one.deny)));
  const permit = and(and(here, anyOf(inner.map((one) => one.permit))), not(deny));
  // Where it says nothing of this caller by itself, its exceptions may deny all the same.
  if (type !== undefined && !speaks(below, type, question)) return { deny, permit: nothing };
  switch (type) {
    case undefined:
      return { deny, permit };
    case 'permit':
      return { deny, permit: vague ? nothing : and(here, not(deny)) };
    case 'deny':
      return below.some === true ? { deny, permit } : { deny: and(here, not(permit)), permit };
  }
}

const SILENT: Said = { deny: nothing, permit: nothing };

/** What names nobody is about those outside; a refusal counts in an emergency only where it speaks of emergencies. */
const speaks = ({ inside, actor, purpose }: Named, type: 'permit' | 'deny', { emergency }: Question): boolean =>
  (!inside || actor === true) && (type === 'permit' || emergency !== true || purpose === true);

/** What of the type it is about: by labels, or everything, or nothing. */
function coverage({ classes, from, labels, purposes, until }: Provision, { at, emergency, type }: Question): Plan {
  if (at < from || at >= until || classes?.includes(type) === false) return nothing;
  const meant = purposes?.some((code) => code === TREATMENT || (emergency === true && EMERGENCIES.has(code)));
  if (meant === false) return nothing;
  return labels === undefined ? everything : anyOf(labels.map(labelled));
}

const TREATMENT = 'TREAT';
const EMERGENCIES: ReadonlySet<string> = new Set(EMERGENCY_PURPOSES);

/** Whom of those who are asked about the provision means; where it means somebody unknown, that may be anybody. */
function meets({ actors }: Provision, actor: Actor): 'all' | 'some' | 'nobody' {
  if (actors === undefined || actors.others || actors.organizations.includes(actor.organization)) return 'all';
  if (actor.kind === 'anyone') return actors.homes.includes(actor.organization) ? 'some' : 'nobody';
  return isAmong(actors.people, actor) ? 'all' : 'nobody';
}

/** Whether it names the caller, and not everybody; where people are asked about, in person. */
function isNamed({ actors }: Provision, actor: Actor): boolean {
  if (actors === undefined || actor.kind === 'anyone') return actors !== undefined;
  const { organizations, people } = actors;
  return isAmong(people, actor) || (actor.kind === 'caller' && organizations.includes(actor.organization));
}

const isAmong = (people: readonly string[], actor: { people: readonly string[] }): boolean =>
  people.some((one) => actor.people.includes(one));

const labelled = ({ code, system }: Label): Plan => ({
  node: 'entry',
  param: '_security',
  test: { kind: 'text', value: { is: [code] }, ...(system === undefined ? {} : { detail: system }) },
});

function and(one: Plan, other: Plan): Plan {
  if (isNothing(one) || isNothing(other)) return nothing;
  if (isEverything(one)) return other;
  return isEverything(other) ? one : { node: 'all', of: [one, other] };
}

function or(one: Plan, other: Plan): Plan {
  if (isEverything(one) || isEverything(other)) return everything;
  if (isNothing(one)) return other;
  return isNothing(other) ? one : { node: 'any', of: [one, other] };
}

function not(one: Plan): Plan {
  if (isNothing(one)) return everything;
  return isEverything(one) ? nothing : { node: 'not', of: one };
}

const anyOf = (plans: readonly Plan[]): Plan => plans.reduce(or, nothing);
