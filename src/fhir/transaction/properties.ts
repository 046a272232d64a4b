/** What a Bundle and its entries may say beside what is read: nothing that R4 does not have, nothing that is not done. */
import type { Definitions, ElementDefinition } from '../definitions.js';
import { failure } from '../outcome.js';
import type { Element } from '../types.js';

/** TABLE: what R4 has, but not in a batch or transaction (bdl-1, bdl-2, bdl-4), and what would change the meaning. */
const MISPLACED: Readonly<Record<string, string>> = {
  'Bundle.total': 'Only a searchset or history has a total (bdl-1)',
  'Bundle.entry.search': 'Only the entries of a searchset have this (bdl-2)',
  'Bundle.entry.response': 'Only answers and histories have this (bdl-4)',
};

/** @param element the path in R4's definitions; @param at the same with indexes, for the message */
export function refuseOthers(object: Element, element: string, at: string, definitions: Definitions): void {
  const known = elementsAt(definitions, element);
  for (const name of Object.keys(object)) {
    if (name === 'resourceType' && element === 'Bundle') continue;
    const plain = name.startsWith('_') ? name.slice(1) : name;
    const path = `${at}.${plain.slice(0, 60)}`;
    if (!Object.hasOwn(known, plain)) {
      throw failure('invalid', `R4 has no ${element}.${plain.slice(0, 60)}; leave it out.`, at);
    }
    const misplaced = MISPLACED[`${element}.${plain}`];
    if (misplaced !== undefined) throw failure('invalid', `${misplaced}; leave it out.`, path);
    // R4 extensibility.html#modifierExtension: who does not know it must not go on as if it were not there.
    if (plain === 'modifierExtension') {
      throw failure('not-supported', 'No modifier extension is known here; leave it out.', path);
    }
  }
}

function elementsAt(definitions: Definitions, path: string): Readonly<Record<string, ElementDefinition>> {
  const [type = '', ...steps] = path.split('.');
  let elements = definitions.types.get(type)?.elements ?? {};
  for (const step of steps) elements = elements[step]?.elements ?? {};
  return elements;
}
