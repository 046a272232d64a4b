/**
 * Who the actors of a Consent's provisions are: organizations by who owns what is referred to, as everywhere, and people
 * by what they are in FHIR. A role stands for the person who has it, a care team for who is in it.
 */
import { parseReference } from '../../fhir/reference.js';
import type { Element, Resource } from '../../fhir/types.js';
import type { Actors } from './consent.js';

/** Undefined for an actor of whom nobody here can tell who it is. */
export type ActorsOf = (reference: unknown) => Actors | undefined;

/** What a reference leads to. */
export interface Target {
  owner: string;
  resource: Resource;
}

export interface Local {
  type: string;
  id: string;
}

/** A reference to a resource of this server; undefined for all else. */
export function localReference(reference: unknown, base: string): Local | undefined {
  const { reference: text } = (reference ?? {}) as { reference?: unknown };
  const parsed = typeof text === 'string' ? parseReference(text, base) : undefined;
  return parsed?.kind === 'resource' && parsed.base === undefined ? { type: parsed.type, id: parsed.id } : undefined;
}

type Look = (local: Local) => Target | undefined;
type Who = (local: Local, at: Look, base: string) => Actors | undefined;

const person: Who = (local, at) => {
  const owner = at(local)?.owner;
  return owner === undefined
    ? undefined
    : { organizations: [], people: [nameOf(local)], homes: [owner], others: false };
};

/** TABLE: type of the target -> who that is. What has no row (Device, Group) is nobody whom a token speaks for. */
const KINDS = new Map<string, Who>(
  Object.entries({
    Organization(local: Local, at: Look) {
      const owner = at(local)?.owner;
      return owner === undefined ? undefined : { organizations: [owner], people: [], homes: [], others: false };
    },
    Practitioner: person,
    Patient: person,
    RelatedPerson: person,
    PractitionerRole(local: Local, at: Look, base: string) {
      const practitioner = localReference(at(local)?.resource.practitioner, base);
      const who = practitioner && person(practitioner, at, base);
      return who && { ...who, people: [nameOf(local), ...who.people] };
    },
    CareTeam(local: Local, at: Look, base: string): Actors | undefined {
      const team = at(local)?.resource;
      if (team === undefined) return undefined;
      const members = membersOf(team, base).filter(({ type }) => type !== 'CareTeam');
      return joined(members.flatMap((member) => KINDS.get(member.type)?.(member, at, base) ?? []));
    },
  } satisfies Record<string, Who>),
);

/** All of them together; undefined ones are somebody else. */
export const joined = (some: readonly (Actors | undefined)[]): Actors => ({
  organizations: some.flatMap((one) => one?.organizations ?? []),
  people: some.flatMap((one) => one?.people ?? []),
  homes: some.flatMap((one) => one?.homes ?? []),
  others: some.some((one) => one?.others ?? true),
});

/** @param at what the references lead to that `namedBy` told */
export const actorsBy =
  (at: Look, base: string): ActorsOf =>
  (reference) => {
    const local = localReference(reference, base);
    return local === undefined ? undefined : KINDS.get(local.type)?.(local, at, base);
  };

/** What must be looked at to know who the actors of a Consent are; and then what those lead to, until nothing is new. */
export function namedBy(resource: Resource, base: string): Local[] {
  switch (resource.resourceType) {
    case 'Consent': {
      const actors = provisionsOf(resource).flatMap(({ actor }) => (actor ?? []) as Element[]);
      return actors.flatMap(({ reference }) => localReference(reference, base) ?? []);
    }
    case 'CareTeam':
      return membersOf(resource, base).filter(({ type }) => type !== 'CareTeam');
    case 'PractitionerRole':
      return [localReference(resource.practitioner, base) ?? []].flat();
    default:
      return [];
  }
}

const membersOf = ({ participant }: Resource, base: string): Local[] =>
  ((participant ?? []) as Element[]).flatMap(({ member }) => localReference(member, base) ?? []);

/** All provisions of a Consent, the root first. */
export function provisionsOf({ provision }: Resource): Element[] {
  const found = provision === undefined ? [] : [provision as Element];
  for (const one of found) found.push(...((one.provision ?? []) as Element[]));
  return found;
}

export const nameOf = ({ type, id }: Local): string => `${type}/${id}`;
