/**
 * What a referral is, whom it names, and until when it is open to each of them. It is one ServiceRequest with the Tasks
 * of the same organization that are about it, or one Task that is about none. What other organizations write adds
 * nobody to it. (docs/sharing.md)
 */
import { failure } from '../../fhir/outcome.js';
import type { Instant } from '../../kit/clock.js';
import { limits } from '../../kit/limits.js';
import type { Owner } from '../../store/port.js';
import type { Known, World } from './world.js';

export interface Referral {
  via: string;
  /** Whose it is. */
  owner: Owner;
  /** Undefined where only Tasks are left of it. */
  request: Known | undefined;
  tasks: Known[];
  /** Whatever of other organizations refers to the request, or to the Task that stands alone. */
  referrers: Known[];
  /** To which organizations it is open, until when, and the Tasks that name each. */
  open: Map<Owner, { until: Instant; tasks: Known[] }>;
}

/** Whether what a status says opens the case, ends it some time after, or has it closed. What is in no row is closed. */
type Door = 'open' | 'ending' | 'closed';

/** TABLE: ServiceRequest.status. (R4 valueset-request-status.html) */
export const REQUEST_DOOR: Record<string, Door> = {
  draft: 'closed',
  active: 'open',
  'on-hold': 'open',
  completed: 'ending',
  revoked: 'closed',
  'entered-in-error': 'closed',
  unknown: 'closed',
};

/** TABLE: Task.status. An organization that is asked must see the case before it can decide. (R4 valueset-task-status.html) */
export const TASK_DOOR: Record<string, Door> = {
  draft: 'closed',
  requested: 'open',
  received: 'open',
  accepted: 'open',
  rejected: 'closed',
  ready: 'open',
  cancelled: 'closed',
  'in-progress': 'open',
  'on-hold': 'open',
  failed: 'closed',
  completed: 'ending',
  'entered-in-error': 'closed',
};

/** What a reference may name an organization by: itself, or who or what belongs to it. */
const NAMING: ReadonlySet<string> = new Set([
  'Organization',
  'Practitioner',
  'PractitionerRole',
  'CareTeam',
  'HealthcareService',
]);

export const NAMES_OF = {
  ServiceRequest: ['performer'],
  Task: ['owner', 'restriction.recipient'],
} as const satisfies Record<string, readonly string[]>;

/** Without an end. */
export const FOREVER: Instant = Number.MAX_SAFE_INTEGER;
const NEVER: Instant = 0;

/**
 * Undefined for what is no referral: a Task that belongs to a request, or what never was.
 * @param endMs milliseconds that a completed referral stays open
 */
export async function referralOf(via: string, world: World, endMs: number): Promise<Referral | undefined> {
  await world.load([via]);
  const owner = world.ownerOf(via);
  if (owner === undefined) return undefined;
  const root = world.at(via);
  const referrers = await world.referrers([via], limits.caseReferrers + 1, owner);
  if (referrers.length > limits.caseReferrers) throw tooMany(via);
  const request = via.startsWith('ServiceRequest/') ? root : undefined;
  const alone = via.startsWith('Task/') ? root : undefined;
  if (alone !== undefined && (await requestOf(alone, world)) !== undefined) return undefined;
  const tasks = alone === undefined ? await tasksOf(via, owner, world) : [alone];
  const open: Referral['open'] = new Map();
  const end = alone === undefined ? await endOf(request, REQUEST_DOOR, world, endMs) : FOREVER;
  const named = await namedBy(request, tasks, owner, world);
  for (const [to, by] of named) {
    const ends = await Promise.all(by.map((task) => endOf(task, TASK_DOOR, world, endMs)));
    const until = by.length === 0 ? end : Math.min(end, Math.max(...ends));
    if (until > NEVER) open.set(to, { until, tasks: by });
  }
  return { via, owner, request, tasks, referrers, open };
}

/** Of a deleted Task that stood alone there are none. */
async function tasksOf(via: string, owner: Owner, world: World): Promise<Known[]> {
  if (via.startsWith('Task/')) return [];
  const found = await world.valued('Task', owner, 'focus', via, limits.caseResources);
  if (found.length > limits.caseResources) throw tooMany(via);
  return found.filter(({ says }) => world.named(says, 'focus').includes(via));
}

/** Each organization that is named, with the Tasks that do so; where there are none, the request's performers decide. */
async function namedBy(request: Known | undefined, tasks: Known[], owner: Owner, world: World) {
  const named = new Map<Owner, Known[]>();
  for (const to of await othersNamed(request, world)) named.set(to, []);
  for (const task of tasks)
    for (const to of await othersNamed(task, world)) named.set(to, [...(named.get(to) ?? []), task]);
  named.delete(owner);
  return named;
}

/** The organizations that a request or a Task names, other than its own. */
export async function othersNamed(one: Known | undefined, world: World): Promise<Set<Owner>> {
  if (one === undefined) return new Set();
  const places = one.key.type === 'Task' ? NAMES_OF.Task : NAMES_OF.ServiceRequest;
  const names = places
    .flatMap((place) => world.named(one.says, place))
    .filter((name) => NAMING.has(name.slice(0, name.indexOf('/'))));
  await world.loadOwners(names);
  const owners = names.flatMap((name) => world.ownerOf(name) ?? []);
  return new Set(owners.filter((to) => to !== one.owner));
}

/** The ServiceRequest of the same organization that a Task is about. */
export async function requestOf(task: Known, world: World): Promise<string | undefined> {
  const requests = world.named(task.says, 'focus').filter((name) => name.startsWith('ServiceRequest/'));
  await world.loadOwners(requests);
  return requests.find((name) => world.ownerOf(name) === task.owner);
}

async function endOf(one: Known | undefined, doors: Record<string, Door>, world: World, endMs: number) {
  const status = one?.says.status;
  const door = typeof status === 'string' && Object.hasOwn(doors, status) ? doors[status] : 'closed';
  if (one === undefined || door === 'closed') return NEVER;
  if (door === 'open') return FOREVER;
  const since = await world.since(one);
  return since === 0 ? NEVER : since + endMs;
}

const tooMany = (via: string) =>
  failure(
    'unprocessable',
    `More than ${limits.caseReferrers} resources of others, or ${limits.caseResources} Tasks, refer to ${via} (limits caseReferrers, caseResources). Place another request.`,
  );
