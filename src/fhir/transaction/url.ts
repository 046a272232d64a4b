/** TABLE: the URLs that an entry may ask for, by method (R4 http.html, bundle.html#transaction). */
import type { Definitions } from '../definitions.js';
import { failure } from '../outcome.js';
import { belowBase, isId } from '../reference.js';
import type { RequestUrl, Verb, BundledInteraction } from './operation.js';

interface Row {
  methods: readonly Verb[];
  /** Segments after the base; `:type`, `:id`, `:version` and `:member` stand for what the client names. */
  path: string;
  interaction: BundledInteraction;
  query: 'any' | 'none' | 'criteria';
}

const READ: readonly Verb[] = ['GET', 'HEAD'];

const rows: readonly Row[] = [
  { methods: ['POST'], path: ':type', interaction: 'create', query: 'none' },
  { methods: ['PUT'], path: ':type/:id', interaction: 'update', query: 'none' },
  { methods: ['PUT'], path: ':type', interaction: 'update', query: 'criteria' },
  { methods: ['PATCH'], path: ':type/:id', interaction: 'patch', query: 'none' },
  { methods: ['PATCH'], path: ':type', interaction: 'patch', query: 'criteria' },
  { methods: ['DELETE'], path: ':type/:id', interaction: 'delete', query: 'none' },
  { methods: ['DELETE'], path: ':type', interaction: 'delete', query: 'criteria' },
  { methods: READ, path: 'metadata', interaction: 'capabilities', query: 'any' },
  { methods: READ, path: '_history', interaction: 'history-system', query: 'any' },
  { methods: READ, path: '', interaction: 'search-system', query: 'criteria' },
  { methods: READ, path: ':type/_history', interaction: 'history-type', query: 'any' },
  { methods: READ, path: ':type', interaction: 'search-type', query: 'any' },
  { methods: READ, path: ':type/:id', interaction: 'read', query: 'any' },
  { methods: READ, path: ':type/:id/_history', interaction: 'history-instance', query: 'any' },
  { methods: READ, path: ':type/:id/:member', interaction: 'search-type', query: 'any' },
  { methods: READ, path: ':type/:id/_history/:version', interaction: 'vread', query: 'any' },
];

export interface UrlContext {
  definitions: Definitions;
  /** This server's own base URL; what is under it may be written with it. */
  base: string;
}

/** Throws when it is none of them. @param at the element that holds the URL */
export function readUrl(method: Verb, url: string, { definitions, base }: UrlContext, at: string): RequestUrl {
  if (/[\s#]/.test(url))
    throw failure('value', `'${shown(url)}' has a space or a fragment; write ${forms(method)}.`, at);
  const relative = belowBase(url, base) ?? (url.startsWith('/') ? url.slice(1) : url);
  if (ABSOLUTE.test(relative)) {
    throw failure('value', `'${shown(url)}' is not below ${base}, this server; write ${forms(method)}.`, at);
  }
  const mark = relative.indexOf('?');
  const path = mark < 0 ? relative : relative.slice(0, mark);
  const query = mark < 0 ? '' : relative.slice(mark + 1);
  const segments = path.split('/', MOST_SEGMENTS + 1);
  const operation = segments.find((segment) => segment.startsWith('$'));
  if (operation !== undefined) {
    throw failure('not-supported', `The operation ${shown(operation)} is not served in a Bundle; call it alone.`, at);
  }
  for (const row of rows) {
    if (!row.methods.includes(method) || !fits(row, query)) continue;
    const named = match(row.path, segments);
    if (named === undefined) continue;
    const { type, member } = named;
    for (const one of [type, member]) {
      if (one === undefined || one === '*' || definitions.resourceTypes.includes(one)) continue;
      throw failure(
        'not-found',
        `'${shown(one)}' in '${shown(url)}' is no R4 type with an endpoint; write ${forms(method)}.`,
        at,
      );
    }
    return { interaction: row.interaction, ...named, query };
  }
  throw failure('invalid', `${method} cannot ask for '${shown(url)}'; write ${forms(method)}.`, at);
}

/** What a row says of queries; a `?` with nothing behind it is none. */
const fits = ({ query: wanted }: Row, query: string): boolean =>
  wanted === 'any' || (wanted === 'none') === (query === '');

function match(path: string, segments: readonly string[]): Omit<RequestUrl, 'interaction' | 'query'> | undefined {
  const wanted = path.split('/');
  if (wanted.length !== segments.length) return undefined;
  const named: Record<string, string> = {};
  for (const [at, want] of wanted.entries()) {
    const segment = segments[at] ?? '';
    const read = SEGMENTS[want];
    if (read === undefined ? segment !== want : !read.test(segment)) return undefined;
    if (read !== undefined) named[read.name] = segment;
  }
  return named;
}

/** What stands for a segment that the client names. */
const SEGMENTS: Readonly<Record<string, { name: string; test: (segment: string) => boolean }>> = {
  ':type': { name: 'type', test: (segment) => /^[A-Za-z]{1,64}$/.test(segment) },
  ':id': { name: 'id', test: isId },
  ':version': { name: 'versionId', test: isId },
  ':member': { name: 'member', test: (segment) => /^(?:\*|[A-Z][A-Za-z]{1,63})$/.test(segment) },
};

/** Those of a method, in words: what the client may write instead. */
function forms(method: Verb): string {
  const words = rows
    .filter(({ methods }) => methods.includes(method))
    .map(({ path, query }) => path.replaceAll(':', '') + (query === 'criteria' ? '?name=value' : ''));
  return words.map((word) => word.replace('type', 'Type')).join(' or ');
}

const shown = (text: string): string => text.slice(0, 80);

const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]{0,31}:/;
const MOST_SEGMENTS = 5;
