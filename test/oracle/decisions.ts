/** What patients' Consents permit and deny, by plain loops: the newest active one that says something decides. */
import { LABEL } from './consents.js';
import { isMember, TYPES } from './roles.js';
import { keptOf, ofText, once } from './state.js';
import { current, type Json, type Kept, type World } from './world.js';

/** Who wants to see something: an organization, and a person of it where one is meant. */
export interface Actor {
  organization: string;
  person?: string | undefined;
}

/** Whether a patient has refused that this actor sees this resource. */
export function isDenied(world: World, actor: Actor, kept: Kept, resource: Json = current(kept)): boolean {
  const { organization, person = '' } = actor;
  const known = once(world, `denied ${organization} ${person}`, () => new Map<Json, boolean>());
  const denied = known.get(resource) ?? isRefused(world, actor, kept, resource);
  known.set(resource, denied);
  return denied;
}

function isRefused(world: World, actor: Actor, kept: Kept, resource: Json): boolean {
  return patientsOf(resource, kept.type, world).some((patient) => {
    const said = consentsOf(world, kept.owner, patient)
      .map((one) => verdict(world, current(one).provision, actor, kept, resource))
      .find((one) => one !== undefined);
    return said === 'deny';
  });
}

/** Those that count, the newest first. */
const consentsOf = (world: World, owner: string, patient: string): Kept[] =>
  once(world, `consents ${owner} ${patient}`, () =>
    keptOf(world, 'Consent')
      .filter((one) => one.owner === owner && current(one)?.status === 'active')
      .filter((one) => current(one).patient.reference === `Patient/${patient}`)
      .sort((a, b) => newer(a, b)),
  );

const newer = (a: Kept, b: Kept): number =>
  Date.parse(current(b).dateTime) - Date.parse(current(a).dateTime) || b.versions.at(-1)!.at - a.versions.at(-1)!.at;

const patientsOf = ofText((resource: Json, type: string, world: World): string[] =>
  keptOf(world, 'Patient')
    .map(({ id }) => id)
    .filter(
      (id) =>
        isMember(id, type, resource) ||
        (ALSO[type]?.(resource) ?? []).some((one) => one?.reference === `Patient/${id}`),
    ),
);

/** TABLE: where a type says whom it is about, that no scope of a patient's reaches by that. */
const ALSO: Record<string, (resource: Json) => Json[]> = {
  Task: (task) => [task.for],
  Binary: ({ securityContext }) => [securityContext],
  Group: ({ member = [] }) => member.map(({ entity }: Json) => entity),
  Person: ({ link = [] }) => link.map(({ target }: Json) => target),
};

/** Whether the patient refuses anything to this person of the organization that keeps their record. */
export const isDeniedInPerson = (world: World, organization: string, patient: string, person: string): boolean =>
  once(world, `in person ${organization} ${patient} ${person}`, () =>
    consentsOf(world, organization, patient).some((consent, at, all) =>
      TYPES.some((type) =>
        [{}, { meta: { security: [LABEL] } }].some((resource) => {
          const about = { type, owner: organization } as Kept;
          const said = (one: Kept) => verdict(world, current(one).provision, { organization, person }, about, resource);
          return said(consent) === 'deny' && all.slice(0, at).every((newer) => said(newer) === undefined);
        }),
      ),
    ),
  );

/** What a provision says of the question; undefined when it is not about it. Those nested in it are its exceptions. */
function verdict(
  world: World,
  provision: Json,
  actor: Actor,
  kept: Kept,
  resource: Json,
): 'permit' | 'deny' | undefined {
  if (provision?.type === undefined || !isAbout(world, provision, actor, kept, resource)) return undefined;
  for (const nested of provision.provision ?? []) {
    const said = verdict(world, nested, actor, kept, resource);
    if (said !== undefined && said !== provision.type) return said;
  }
  return provision.type;
}

function isAbout(world: World, provision: Json, actor: Actor, kept: Kept, resource: Json): boolean {
  const { actor: actors = [], class: classes = [], securityLabel = [], period, purpose = [] } = provision;
  if (
    actors.length === 0
      ? actor.organization === kept.owner
      : !actors.some((one: Json) => isActor(world, one.reference, actor))
  )
    return false;
  if (classes.length > 0 && !classes.some(({ code }: Json) => code === kept.type)) return false;
  const labels = resource.meta?.security ?? [];
  if (
    securityLabel.length > 0 &&
    !securityLabel.some((one: Json) =>
      labels.some((label: Json) => label.code === one.code && label.system === one.system),
    )
  )
    return false;
  if (purpose.length > 0 && !purpose.some(({ code }: Json) => code === 'TREAT')) return false;
  const { start, end } = period ?? {};
  return !(start !== undefined && world.now < Date.parse(start)) && !(end !== undefined && world.now > Date.parse(end));
}

function isActor(world: World, { reference }: Json, { organization, person }: Actor): boolean {
  if (reference === organization || (person !== undefined && reference === person)) return true;
  const target = world.at.get(reference);
  if (target === undefined || current(target) === undefined || person === undefined) return false;
  if (target.type === 'PractitionerRole') return current(target).practitioner?.reference === person;
  return (
    target.type === 'CareTeam' &&
    (current(target).participant ?? []).some(({ member }: Json) => member?.reference === person)
  );
}
