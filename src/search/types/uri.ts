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

  modifiers: () => [],

  parse(raw, asked): Test[] {
    const wanted = unescapeValue(raw);
    if (wanted === undefined) throw badValue(asked, raw, BAD_ESCAPE);
    return [{ kind: 'text', value: { is: [wanted] } }];
  },
};
