/** Who still refers to what was to be deleted, in words that name only what the caller may see. */
import { StoreError, type Key, type Owner } from './port.js';

export interface Referrer extends Key {
  owner: Owner;
}

/** So many are looked at: to know that there are some is enough, and there may be a million. */
export const REFERRERS = 100;

const NAMED = 5;

/** Carries who refers, for whoever knows better than a store which of them the caller sees. */
export class Referred extends StoreError {
  readonly referrers: readonly Referrer[];

  constructor(message: string, target: string, referrers: readonly Referrer[]) {
    super('referred', message, target);
    this.referrers = referrers;
  }
}

/** @param referrers `REFERRERS` at most, each one once */
export function referredTo(
  target: string,
  referrers: readonly Referrer[],
  sees: (referrer: Referrer) => boolean,
): Referred {
  const seen = referrers.filter(sees).slice(0, NAMED);
  const names = seen.map(({ type, id }) => `${type}/${id}`);
  const rest = referrers.length - names.length;
  const least = referrers.length === REFERRERS ? 'at least ' : '';
  if (rest > 0) names.push(names.length === 0 ? `${least}${rest} that you cannot see` : `${least}${rest} others`);
  const [last, ...first] = names.reverse();
  const list = first.length === 0 ? last : `${first.reverse().join(', ')} and ${last ?? ''}`;
  return new Referred(`${target} is referred to by ${list ?? 'others'}.`, target, referrers);
}
