/** Who still refers to what was to be deleted, in words that name only what the caller may see. */
import { StoreError, type Key, type Owner, type Reach } from './port.js';

export interface Referrer extends Key {
  owner: Owner;
}

/** So many are looked at: to know that there are some is enough, and there may be a million. */
export const REFERRERS = 100;

const NAMED = 5;

/** @param referrers `REFERRERS` at most, each one once */
export function referredTo(target: string, referrers: readonly Referrer[], { owners }: Reach): StoreError {
  const seen = referrers.filter(({ owner }) => owners.includes(owner)).slice(0, NAMED);
  const names = seen.map(({ type, id }) => `${type}/${id}`);
  const rest = referrers.length - names.length;
  const least = referrers.length === REFERRERS ? 'at least ' : '';
  if (rest > 0) names.push(names.length === 0 ? `${least}${rest} that you cannot see` : `${least}${rest} others`);
  const [last, ...first] = names.reverse();
  const list = first.length === 0 ? last : `${first.reverse().join(', ')} and ${last ?? ''}`;
  return new StoreError('referred', `${target} is referred to by ${list ?? 'others'}.`, target);
}
