/** TABLE: the conditions that an entry's request may have, and of which methods (R4 http.html#cond, bundle.html). */
import { spanOf } from '../datetime.js';
import { versionsNamed } from '../etag.js';
import { failure } from '../outcome.js';
import type { Element } from '../types.js';
import type { Operation, Verb } from './operation.js';

interface Row {
  methods: readonly Verb[];
  /** What is to be written, for a message. */
  expects: string;
  /** Undefined when the text is not that. */
  read: (text: string) => Asked | undefined;
}

type ConditionsOfRequest = Pick<Operation, 'conditions' | 'ifModifiedSince' | 'ifNoneExist'>;
type Asked = Partial<ConditionsOfRequest>;

const ETAGS = 'an ETag such as W/"3", or *';

const rows: Readonly<Record<string, Row>> = {
  ifMatch: {
    methods: ['PUT', 'PATCH', 'DELETE'],
    expects: ETAGS,
    read: (text) => {
      const ifMatch = versionsNamed(text);
      return ifMatch && { conditions: { ifMatch } };
    },
  },
  ifNoneMatch: {
    methods: ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'],
    expects: ETAGS,
    read: (text) => {
      const ifNoneMatch = versionsNamed(text);
      return ifNoneMatch && { conditions: { ifNoneMatch } };
    },
  },
  ifModifiedSince: {
    methods: ['GET', 'HEAD'],
    expects: 'an instant such as 2026-11-22T10:00:00Z',
    read: (text) => {
      const span = text.includes('T') ? spanOf(text) : undefined;
      return span && { ifModifiedSince: span.from };
    },
  },
  ifNoneExist: {
    methods: ['POST'],
    expects: 'search parameters such as identifier=http://example.org|123',
    read: (text) => {
      const query = text.startsWith('?') ? text.slice(1) : text;
      return query === '' ? undefined : { ifNoneExist: query };
    },
  },
};

/** Throws for what cannot be read or does not belong there. @param at the path of the request */
export function readConditions(request: Element, method: Verb, at: string): ConditionsOfRequest {
  const asked: ConditionsOfRequest = { conditions: {} };
  for (const [name, { methods, expects, read }] of Object.entries(rows)) {
    const text = request[name];
    if (text === undefined) continue;
    // A condition that is passed over would let through what it was to stop.
    if (!methods.includes(method)) {
      throw failure(
        'invalid',
        `${name} means nothing to ${method}, only to ${methods.join(', ')}; leave it out.`,
        `${at}.${name}`,
      );
    }
    const found = typeof text === 'string' ? read(text) : undefined;
    if (found === undefined) throw failure('value', `${name} must be ${expects}.`, `${at}.${name}`);
    Object.assign(asked, found, { conditions: { ...asked.conditions, ...found.conditions } });
  }
  return asked;
}
