/** uri: the whole of it, letter by letter. (R4 search.html#uri) */
import { parseCanonical } from '../../fhir/reference.js';
import type { Test } from '../plan.js';
import { unescapeValue } from '../url.js';
import { BAD_ESCAPE, badValue, type Reader, type SearchType } from './type.js';

const whole: Reader = (value, into) => {
  if (typeof value === 'string') into.text(value);
};

export const uri: SearchType = {
  readers: {
    uri: whole,
    url: whole,
    oid: whole,
    uuid: whole,
    /** With its version and without: `_profile=url` finds every version of a profile. */
    canonical(value, into, implied) {
      whole(value, into, implied);
      if (typeof value === 'string') into.text(parseCanonical(value).url);
    },
  },

  modifiers: () => ['above', 'below'],

  parse(raw, asked): Test[] {
    const wanted = unescapeValue(raw);
    if (wanted === undefined) throw badValue(asked, raw, BAD_ESCAPE);
    if (asked.modifier === undefined) return [{ kind: 'text', value: { is: [wanted] } }];
    const segments = segmentsOf(wanted);
    if (segments === undefined) throw badValue(asked, raw, 'is no URL; only URLs have others above and below them.');
    if (segments.length > MOST_SEGMENTS) throw badValue(asked, raw, `has more than ${MOST_SEGMENTS} segments.`);
    return asked.modifier === 'below' ? below(segments) : above(segments);
  },
};

const MOST_SEGMENTS = 100;

/** `http://host`, then what stands between the slashes; a slash at the end does not count. */
function segmentsOf(url: string): string[] | undefined {
  const [, root, path] = /^([a-z][a-z0-9+.-]{0,30}:\/\/[^/]+)(.*)$/is.exec(url) ?? [];
  if (root === undefined || path === undefined) return undefined;
  return [root, ...path.replace(/\/$/, '').split('/').slice(1)];
}

/** The URL itself and all that begin with its segments. (R4 search.html#modifiers) */
function below(segments: readonly string[]): Test[] {
  const url = segments.join('/');
  return [
    { kind: 'text', value: { is: [url] } },
    { kind: 'text', value: { startsWith: `${url}/` } },
  ];
}

function above(segments: readonly string[]): Test[] {
  const is = segments.flatMap((_, at) => {
    const url = segments.slice(0, at + 1).join('/');
    return [url, `${url}/`];
  });
  return [{ kind: 'text', value: { is } }];
}
