/** date: spans of time, compared by prefixes. (R4 search.html#date, search.html#prefix) */
import { firstInstant, lastInstant, spanOf, type Span } from '../../fhir/datetime.js';
import type { Element } from '../../fhir/types.js';
import type { Instant } from '../../kit/clock.js';
import type { Bounds, RangeTest } from '../plan.js';
import { unescapeValue } from '../url.js';
import { badValue, type Reader, type SearchType, type Sink } from './type.js';

const point: Reader = (value, into) => add(spanAt(value), into);

export const date: SearchType = {
  readers: {
    date: point,
    dateTime: point,
    instant: point,
    Period: (value, into) => add(periodSpan(value as Element), into),
    Timing: (value, into) => add(timingSpan(value as Element), into),
  },

  modifiers: () => [],

  parse(raw, asked) {
    const [, prefix = 'eq', text = ''] = /^([a-z]{2})?(.*)$/s.exec(unescapeValue(raw) ?? '') ?? [];
    const span = spanOf(text);
    const test = Object.hasOwn(PREFIXES, prefix) ? PREFIXES[prefix] : undefined;
    if (test === undefined) {
      throw badValue(asked, raw, `begins with none of the prefixes ${Object.keys(PREFIXES).join(', ')}.`);
    }
    if (span === undefined) {
      const hint = text.includes(' ') ? ' In a URL the + of a zone is written %2B.' : '';
      throw badValue(asked, raw, `is no date such as 2026-11, 2026-11-22 or 2026-11-22T10:00:00Z.${hint}`);
    }
    return test(span, asked.now);
  },
};

/** Prefix -> what the entry's span must be, seen from the span of the value. */
const PREFIXES: Readonly<Record<string, (value: Span, now: Instant) => RangeTest[]>> = {
  /** The value contains the entry. That it begins before the end follows, but lets an index stop there. */
  eq: ({ from, to }) => [range({ gte: from, lte: to }, { lte: to })],
  ne: ({ from, to }) => [range({ lt: from }), range(undefined, { gt: to })],
  /** Part of the entry lies above the value. */
  gt: ({ to }) => [range(undefined, { gt: to })],
  lt: ({ from }) => [range({ lt: from })],
  /** gt or eq: what begins inside the value is either contained in it or reaches above it. */
  ge: ({ from, to }) => [range({ gte: from }), range(undefined, { gt: to })],
  le: ({ from, to }) => [range(undefined, { lte: to }), range({ lt: from })],
  /** All of the entry lies above (below) the value. */
  sa: ({ to }) => [range({ gt: to })],
  eb: ({ from }) => [range(undefined, { lt: from })],
  /** The entry overlaps the value, widened on both sides by a tenth of the time between it and now. */
  ap: ({ from, to }, now) => {
    const gap = now < from ? from - now : now > to ? now - to : 0;
    const slack = Math.round(gap / 10);
    return [range({ lte: to + slack }, { gte: from - slack })];
  },
};

function range(low?: Bounds, high?: Bounds): RangeTest {
  return {
    kind: 'range',
    value: '',
    ...(low === undefined ? {} : { low }),
    ...(high === undefined ? {} : { high }),
  };
}

const spanAt = (value: unknown): Span | undefined => (typeof value === 'string' ? spanOf(value) : undefined);

function add(span: Span | undefined, into: Sink): void {
  if (span !== undefined) into.range(span.from, span.to);
}

/** An end that is missing is open; one that is there but no date makes the period unknown. */
function periodSpan({ start, end }: Element): Span | undefined {
  if (start === undefined && end === undefined) return undefined;
  const from = start === undefined ? firstInstant : spanAt(start)?.from;
  const to = end === undefined ? lastInstant : spanAt(end)?.to;
  return from === undefined || to === undefined || from > to ? undefined : { from, to };
}

/** Only the outer limits of a schedule matter, not its days. (R4 search.html#date) */
function timingSpan({ event, repeat }: Element): Span | undefined {
  const spans: Span[] = [];
  if (Array.isArray(event)) for (const one of event) spans.push(...listed(spanAt(one)));
  const bounds = (repeat as { boundsPeriod?: Element | null } | undefined)?.boundsPeriod;
  if (bounds) spans.push(...listed(periodSpan(bounds)));
  if (spans.length === 0) return undefined;
  return spans.reduce((all, one) => ({ from: Math.min(all.from, one.from), to: Math.max(all.to, one.to) }));
}

const listed = (span: Span | undefined): Span[] => (span === undefined ? [] : [span]);
