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

const rows = routes.map((route) => ({ route, segments: route.path === '' ? [] : route.path.split('/') }));

/** `path` is what follows the base, still encoded. HEAD is answered as GET is. */
export function dispatch(method: string, path: string, types: ReadonlySet<string>): Target {
  const segments = path.split('/').filter((segment, at, all) => segment !== '' || (at !== 0 && at !== all.length - 1));
  const onPath = rows.filter((row) => fits(row.segments, segments));
  const verb = method === 'HEAD' ? 'GET' : method;
  const row = onPath.find(({ route }) => route.method === verb);
  const named = (name: string) => onPath[0] && segments[onPath[0].segments.indexOf(name)];
  const [type, resourceId, versionId, member] = [named(':type'), named(':id'), named(':version'), named(':member')];
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

/** A fixed segment wins over a name: a type cannot be called `metadata`, nor an id `_history`. */
function fits(pattern: string[], segments: string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((part, at) => {
      const segment = segments[at] ?? '';
      return part.startsWith(':') ? !reserved.has(segment) && segment !== '' : part === segment;
    })
  );
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
