/** Method and path -> the row of the table that answers, with what the path names; 404 and 405 with what would do. */
import { failure } from '../../fhir/outcome.js';
import type { ResourceType } from '../../fhir/types.js';
import { routes, type Route } from './routes.js';

export interface Target {
  route: Route;
  type: ResourceType;
  resourceId: string;
  versionId: string;
  /** The type that is searched in a compartment, or `*`. */
  member: string;
}

/** R4 datatypes.html#id. */
const ID = /^[A-Za-z0-9\-.]{1,64}$/;

const rows = routes.map((route) => {
  const segments = route.path === '' ? [] : route.path.split('/');
  const [type, id, version, member] = [':type', ':id', ':version', ':member'].map((name) => segments.indexOf(name));
  return { route, segments, type, id, version, member };
});

type Row = (typeof rows)[number];

const byLength = new Map<number, Row[]>();
for (const row of rows) byLength.set(row.segments.length, [...(byLength.get(row.segments.length) ?? []), row]);

/** `path` is what follows the base, still encoded. HEAD is answered as GET is. */
export function dispatch(method: string, path: string, types: ReadonlySet<string>): Target {
  const segments = segmentsOf(path);
  const onPath = (byLength.get(segments.length) ?? []).filter((row) => fits(row.segments, segments));
  const verb = method === 'HEAD' ? 'GET' : method;
  const row = onPath.find(({ route }) => route.method === verb);
  const [first] = onPath;
  const [type, resourceId] = [segments[first?.type ?? -1], segments[first?.id ?? -1]];
  const [versionId, member] = [segments[first?.version ?? -1], segments[first?.member ?? -1]];
  if (type !== undefined && !types.has(type)) throw noSuchType(type, types);
  if (resourceId !== undefined && !ID.test(resourceId)) {
    throw failure(
      resourceId.startsWith('$') || resourceId.startsWith('_') ? 'not-found' : 'value',
      `"${resourceId.slice(0, 80)}" is neither an id (1 to 64 letters, digits, hyphens and dots) nor something served here.`,
    );
  }
  if (onPath.length === 0) throw failure('not-found', `Nothing is served at "${path.slice(0, 200)}".`);
  if (row === undefined)
    throw methodNotAllowed(
      method,
      onPath.map(({ route }) => route.method),
    );
  return {
    route: row.route,
    type: type ?? '',
    resourceId: resourceId ?? '',
    versionId: versionId ?? '',
    member: member ?? '',
  };
}

/** A slash at the beginning and one at the end mean nothing. */
function segmentsOf(path: string): string[] {
  const from = path.startsWith('/') ? 1 : 0;
  const to = path.length > from && path.endsWith('/') ? path.length - 1 : path.length;
  return from >= to ? [] : path.slice(from, to).split('/');
}

/** A fixed segment wins over a name: a type cannot be called `metadata`, nor an id `_history`. */
function fits(pattern: string[], segments: string[]): boolean {
  for (let at = 0; at < pattern.length; at += 1) {
    const [part = '', segment = ''] = [pattern[at], segments[at]];
    if (part.startsWith(':') ? segment === '' || reserved.has(segment) : part !== segment) return false;
  }
  return true;
}

const reserved = new Set(rows.flatMap((row) => row.segments).filter((segment) => !segment.startsWith(':')));

function noSuchType(type: string, types: ReadonlySet<string>) {
  const close = [...types].find((name) => name.toLowerCase() === type.toLowerCase());
  const hint = close === undefined ? 'The CapabilityStatement at /metadata lists them.' : `Did you mean ${close}?`;
  return failure('not-found', `"${type.slice(0, 80)}" is not a resource type that is served here. ${hint}`);
}

function methodNotAllowed(method: string, allowed: string[]) {
  const allow = allowed.flatMap((verb) => (verb === 'GET' ? ['GET', 'HEAD'] : [verb])).join(', ');
  const said = method.slice(0, 20);
  return failure('method-not-allowed', `${said} is not served at this URL; ${allow} is.`, undefined, { Allow: allow });
}
