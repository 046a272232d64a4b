/** The few parameters of interactions that are no search: `_format`, `_pretty`, and those of history. */
import { spanOf } from '../../fhir/datetime.js';
import type { Definitions } from '../../fhir/definitions.js';
import { failure } from '../../fhir/outcome.js';
import { elementsNamed, summaryNamed, type Subset } from '../../fhir/subset.js';
import type { ResourceType } from '../../fhir/types.js';
import { limits } from '../../kit/limits.js';
import { parseQuery, printParameter, type QueryParameter } from '../../search/url.js';
import type { HistoryScope } from '../../store/port.js';

/** Read before an interaction is chosen, so that even an error comes as the client wants it. */
export function renderingParameters(query: string): { format?: string; pretty: boolean } {
  if (!query.includes('_format') && !query.includes('_pretty')) return { pretty: false };
  const parameters = parseQuery(query);
  const format = parameters.findLast(({ key }) => key === '_format')?.raw;
  const pretty = parameters.findLast(({ key }) => key === '_pretty')?.raw;
  if (pretty !== undefined && pretty !== 'true' && pretty !== 'false') {
    throw failure('value', `_pretty is true or false, not "${pretty.slice(0, 40)}".`, 'http._pretty');
  }
  return { pretty: pretty === 'true', ...(format === undefined ? {} : { format }) };
}

/** The same two as they stand in links. */
export const renderingQuery = (query: string): string =>
  query === '' ? '' : parseQuery(query).filter(isRendering).map(printParameter).join('&');

/** For interactions that take no parameters but these two; returns `_format`. */
export function formatParameter(query: string): string | undefined {
  if (query === '') return undefined;
  const parameters = parseQuery(query);
  for (const parameter of parameters) refuseUnless(isRendering(parameter), parameter, '_format and _pretty');
  return renderingParameters(query).format;
}

/** `_summary` and `_elements` of a read or a history, and the query without them. (R4 http.html#parameters) */
export function subsetParameters(
  { query, type }: { query: string; type: ResourceType },
  definitions: Definitions,
): { subset: Subset | undefined; query: string; applied: string } {
  if (!query.includes('_summary') && !query.includes('_elements')) return { subset: undefined, query, applied: '' };
  const parameters = parseQuery(query);
  const asked = parameters.filter(({ key }) => key === '_summary' || key === '_elements');
  const [parameter, second] = asked;
  const rest = parameters.filter((one) => !asked.includes(one));
  const [without, applied] = [rest, asked].map((some) => some.map(printParameter).join('&')) as [string, string];
  if (parameter === undefined) return { subset: undefined, query, applied: '' };
  if (second !== undefined)
    throw failure('invalid', 'Only one _summary or _elements may be given.', `http.${second.key}`);
  if (type === 'Binary') {
    throw failure('not-supported', 'A Binary is read as a whole.', `http.${parameter.key}`);
  }
  const types = type === '' ? definitions.resourceTypes : [type];
  const subset =
    parameter.key === '_summary' ? summaryNamed(parameter.raw) : elementsNamed(parameter.raw, types, definitions);
  if (subset?.kind === 'count') {
    throw failure('not-supported', '_summary=count is for searches; there is nothing to count here.', 'http._summary');
  }
  return { subset, query: without, applied };
}

export interface HistoryParameters {
  scope: Pick<HistoryScope, 'since' | 'at'>;
  count: number;
  cursor: string | undefined;
  /** What was applied, as it stands in links. */
  applied: string;
}

/** TABLE: the parameters of history (R4 http.html#history). */
const historyRows: Record<string, (raw: string, asked: HistoryParameters) => void> = {
  _count: (raw, asked) => {
    if (!/^[0-9]{1,6}$/.test(raw) || Number(raw) < 1 || Number(raw) > limits.pageSize) {
      throw failure('value', `_count is a number from 1 to ${limits.pageSize} (limit pageSize).`, 'http._count');
    }
    asked.count = Number(raw);
  },
  _since: (raw, asked) => {
    asked.scope.since = spanNamed('_since', raw).from;
  },
  _at: (raw, asked) => {
    const { from, to } = spanNamed('_at', raw);
    asked.scope.at = { from, to: to + 1 };
  },
  _cursor: (raw, asked) => {
    asked.cursor = raw;
  },
};

export function historyParameters(query: string): HistoryParameters {
  const asked: HistoryParameters = { scope: {}, count: limits.pageSizeDefault, cursor: undefined, applied: '' };
  const applied: string[] = [];
  const seen = new Set<string>();
  for (const parameter of query === '' ? [] : parseQuery(query)) {
    if (isRendering(parameter)) continue;
    const row = Object.hasOwn(historyRows, parameter.key) ? historyRows[parameter.key] : undefined;
    refuseUnless(row !== undefined, parameter, '_count, _since, _at, _format and _pretty');
    if (seen.has(parameter.key))
      throw failure('invalid', `${parameter.key} may be given once.`, `http.${parameter.key}`);
    seen.add(parameter.key);
    row?.(parameter.raw, asked);
    if (parameter.key !== '_cursor') applied.push(printParameter(parameter));
  }
  asked.applied = applied.join('&');
  return asked;
}

const isRendering = ({ key }: QueryParameter): boolean => key === '_format' || key === '_pretty';

function refuseUnless(known: boolean, { key }: QueryParameter, possible: string): void {
  if (known) return;
  throw failure(
    'not-supported',
    `The parameter "${key.slice(0, 80)}" means nothing here; possible are ${possible}.`,
    `http.${key.slice(0, 80)}`,
  );
}

function spanNamed(name: string, raw: string) {
  const span = spanOf(raw);
  if (span !== undefined) return span;
  const hint = raw.includes(' ') ? ' A + in a URL must be written %2B.' : '';
  throw failure(
    'value',
    `${name}=${raw.slice(0, 40)} is not a date or an instant such as 2026-11-22T10:00:00Z.${hint}`,
    `http.${name}`,
  );
}
