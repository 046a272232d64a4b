/**
 * The audit trail as AuditEvents: records are made into resources when somebody asks, and judged by the same plan as any
 * search, with the caller's reach in it. An auditor sees what concerns their organization, a patient what concerns them.
 * AuditEvents that are stored as resources (of a purge, or brought by an import) stand among them.
 */
import type { Access } from '../../access/constraint.js';
import type { Call } from '../../access/principal.js';
import { eventsOf, recordIdOf } from '../../audit/event.js';
import { keysOf, type Told } from '../../audit/record.js';
import { failure } from '../../fhir/outcome.js';
import type { Resource } from '../../fhir/types.js';
import { limits } from '../../kit/limits.js';
import type { Search } from '../../search/ast.js';
import { lower } from '../../search/lower.js';
import { everything, nothing, type Entry, type Plan } from '../../search/plan.js';
import { restrict, typesIn } from '../../search/restrict.js';
import type { AuditEntry, AuditLog, Found, Key, Position, Reach } from '../../store/port.js';
import { asked } from '../failures.js';
import type { Meets } from '../meets.js';
import { reachOf } from '../reach.js';
import type { Paging, SearchResult } from '../search.js';
import type { SeenStore } from '../seen.js';
import { AUDIT_EVENT } from './apart.js';
import { inOrder, isNewestFirst } from './order.js';
import { keysAsked, spanOf } from './scope.js';
import { walk, type Places, type Stream, type Walk } from './streams.js';

export interface Events {
  /** Undefined when the trail has none of this id that the caller sees. */
  read(call: Call, key: Key): Promise<Found | undefined>;
  search(call: Call, search: Search, paging: Paging): Promise<Omit<SearchResult, 'included'>>;
}

export interface EventParts {
  log: AuditLog;
  store: SeenStore;
  access: Access;
  meets: Meets['meets'];
  extract: (resource: Resource) => Entry[];
  base: string;
}

/** What a caller sees of what a plan asks. */
interface Within {
  plan: Plan;
  owners: readonly string[];
  /** What its chains may lead to. */
  reach: Reach;
}

export function createEvents({ log, store, access, meets, extract, base }: EventParts): Events {
  /** The plan with the caller's reach in it. Throws 403 when that is nothing, or for a chain through what they may not search. */
  function within(call: Call, purpose: 'read' | 'search', plan: Plan): Within {
    const sight = access.sight(call.principal, purpose);
    const { whole } = sight;
    if (whole !== undefined) return { plan, owners: whole, reach: reachOf(call, whole, undefined) };
    const refused = [AUDIT_EVENT, ...typesIn(plan)].find((type) => sight.of(type) === undefined);
    if (refused !== undefined) throw sight.refusal(refused);
    const bounded = restrict(plan, [AUDIT_EVENT], (type) => sight.of(type) ?? { owners: [], where: nothing });
    const owners = sight.of(AUDIT_EVENT)?.owners ?? [];
    return { plan: bounded.plan, owners, reach: reachOf(call, bounded.owners, sight.opens('*')) };
  }

  /** The events of a record that meet the plan, each as one of these organizations sees it. */
  async function ofRecord(entry: AuditEntry, { plan, owners, reach }: Within): Promise<(Found | undefined)[]> {
    const judged = eventsOf(entry, base).map(async ({ resource, owners: whose }): Promise<Found | undefined> => {
      const owner = whose.find((one) => owners.includes(one));
      if (owner === undefined) return undefined;
      const { id } = resource;
      const doc = { type: AUDIT_EVENT, id, owner, updated: entry.at, entries: extract(resource) };
      if (!(await meets(plan, doc, reach))) return undefined;
      return { ...doc, version: 1, method: 'POST', text: JSON.stringify(resource) };
    });
    return Promise.all(judged);
  }

  async function read(call: Call, { id }: Key): Promise<Found | undefined> {
    const seen = within(call, 'read', everything);
    const entry = await asked(log.get(recordIdOf(id)));
    return entry && (await ofRecord(entry, seen)).find((one) => one?.id === id);
  }

  /** A place in it: how many events of the record that follows were given, and where that record follows. */
  const ofTrail = (key: string, seen: Within, earlier: readonly string[]): Stream =>
    async function* trail([given = 0, ...rest] = []) {
      let after: Position | undefined = rest.length === 0 ? undefined : rest;
      let skipped = Number(given);
      for (;;) {
        const request = { size: SCANNED, bytes: limits.bundleBytes, ...(after === undefined ? {} : { after }) };
        const page = await asked(log.scan(key, spanOf(seen.plan), request));
        for (const entry of page.items) {
          // What several keys find is shown where the first of them finds it.
          const isElsewhere = earlier.length > 0 && keysIn(entry).some((one) => earlier.includes(one));
          const events = isElsewhere ? [] : await ofRecord(entry, seen);
          for (const [n, found] of events.entries())
            if (n >= skipped && found !== undefined) yield { found, behind: [n + 1, ...(after ?? [])] };
          after = entry.place;
          skipped = 0;
          yield { behind: [0, ...after] };
        }
        if (page.next === undefined) return;
        after = page.next;
      }
    };

  /** One at a time: there are few, and each is where a page may end. */
  const ofStore = (call: Call, plan: Plan): Stream =>
    async function* stored(from) {
      const sought = { purpose: 'search' as const, types: [AUDIT_EVENT], plan, named: true };
      for (let after = from; ;) {
        const request = { size: 1, ...(after === undefined ? {} : { after }) };
        const { items, next } = await asked(store.search(call, sought, NEWEST, request));
        const [found] = items;
        if (found === undefined) return;
        yield { found, behind: next ?? null };
        if (next === undefined) return;
        after = next;
      }
    };

  function begin(call: Call, plan: Plan, from: Places, most: number): Promise<Walk> {
    const seen = within(call, 'search', plan);
    const keys = keysAsked(seen.plan, seen.owners);
    const streams = keys.map((key, n) => ofTrail(key, seen, keys.slice(0, n)));
    return walk([...streams, ofStore(call, plan)], from, most);
  }

  /** A page may have fewer than it could where much was looked at: whoever follows it goes on. */
  async function pageOf(call: Call, plan: Plan, size: number, after: Position | undefined) {
    const matches: Found[] = [];
    if (size === 0) return { matches, next: undefined };
    const from = after === undefined ? [] : (JSON.parse(String(after[0])) as Places);
    const events = await begin(call, plan, from, limits.auditLooked);
    let [shown, ended]: [Places | undefined, boolean] = [undefined, false];
    while (matches.length < size && !ended) {
      const one = await events.next();
      ended = one === undefined;
      if (one === undefined) continue;
      matches.push(one.found);
      shown = one.places;
    }
    // Behind the last one was looked already.
    const rest = events.rest() && (ended ? events.rest() : shown);
    return { matches, next: rest === undefined ? undefined : [JSON.stringify(rest)] };
  }

  /** Everything that matches; too costly where that is more than may be looked at. */
  async function all(call: Call, plan: Plan): Promise<Found[]> {
    const events = await begin(call, plan, [], limits.auditLooked);
    const found = new Map<string, Found>();
    for (let one = await events.next(); one !== undefined; one = await events.next())
      found.set(one.found.id, one.found);
    if (events.rest() !== undefined) throw tooMuch();
    return [...found.values()];
  }

  /** In another order than the newest first; pages are of what was there when the first was asked for. */
  async function sorted(call: Call, plan: Plan, { sort, count }: Search, after: Position | undefined) {
    const [from = 0, until = call.at] = (after ?? []).map(Number);
    const events = inOrder(
      (await all(call, plan)).filter(({ updated }) => updated <= until),
      sort,
    );
    const next = count > 0 && from + count < events.length ? [from + count, until] : undefined;
    return { matches: events.slice(from, from + count), next };
  }

  async function search(call: Call, search: Search, { after }: Paging) {
    const plan = lower(search);
    const page = isNewestFirst(search.sort)
      ? await pageOf(call, plan, search.count, after)
      : await sorted(call, plan, search, after);
    const whole = after === undefined && page.next === undefined && search.count > 0;
    const isAsked = search.count === 0 || search.total === 'accurate' || search.total === 'estimate';
    const shown = whole && search.total !== 'none' ? page.matches.length : undefined;
    return { ...page, total: shown ?? (isAsked ? (await all(call, plan)).length : undefined) };
  }

  return { read, search };
}

const keysIn = ({ text }: AuditEntry): string[] => keysOf(JSON.parse(text) as Told);

/** Records that one question to the store brings. */
const SCANNED = 100;

const NEWEST = [{ param: 'date', descending: true }];

const tooMuch = () =>
  failure(
    'too-costly',
    `More than ${limits.auditLooked} records would have to be looked at (limit auditLooked). Narrow the search by date, ` +
      'patient, entity or agent; without a total and the newest first there is no such bound.',
    'http._sort',
  );
