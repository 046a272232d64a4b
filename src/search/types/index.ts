/** TABLE: the types of search parameters. A type without a row is refused as not yet served. */
import type { SearchParamType } from '../../fhir/definitions.js';
import { composite } from './composite.js';
import { date } from './date.js';
import { number } from './number.js';
import { quantity } from './quantity.js';
import { reference } from './reference.js';
import { string } from './string.js';
import { token } from './token.js';
import type { SearchType } from './type.js';
import { uri } from './uri.js';

export const searchTypes = {
  token,
  string,
  date,
  uri,
  reference,
  number,
  quantity,
  composite,
  special: undefined,
} satisfies Record<SearchParamType, SearchType | undefined>;

export const searchTypeOf = (type: SearchParamType): SearchType | undefined => searchTypes[type];
