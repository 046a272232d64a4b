/** The links of a page: what was really applied, and where it goes on (R4 http.html#paging, search.html#conformance). */
import type { BundleLink } from '../../fhir/bundle.js';
import { failure } from '../../fhir/outcome.js';
import { limits } from '../../kit/limits.js';

export interface PageLinks {
  /** Without a query. */
  url: string;
  /** What was applied, as a query string. */
  applied: string;
  /** `_format` and `_pretty`, so that the next page comes as this one does. */
  rendering: string;
  cursor: string | undefined;
}

export function pageLinks({ url, applied, rendering, cursor }: PageLinks): BundleLink[] {
  const link = (...parts: string[]) =>
    [url, parts.filter((part) => part !== '').join('&')].filter((part) => part !== '').join('?');
  const links: BundleLink[] = [{ relation: 'self', url: link(applied, rendering) }];
  if (cursor === undefined) return links;
  const next = link(applied, rendering, `_cursor=${cursor}`);
  // A form may hold more than a URL may.
  if (next.length > limits.urlBytes) {
    const say = `The link to the next page would be longer than the ${limits.urlBytes} bytes of a URL (limit urlBytes).`;
    throw failure('too-costly', `${say} Ask for larger pages (_count), or for fewer values at once.`);
  }
  return [...links, { relation: 'next', url: next }];
}
