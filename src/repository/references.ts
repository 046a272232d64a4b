/** What the resources of one write refer to, so that somebody can be told which element leads nowhere. */
import type { Issue } from '../fhir/outcome.js';
import { REFERS, type Change } from '../store/port.js';
import type { Accepted } from './accept.js';
import type { Work } from './operations.js';

export interface Made {
  change: Change;
  issues: Issue[];
  /** Undefined for a deletion. */
  placeOf?: Accepted['placeOf'];
}

/** What is referred to, and who does so first; by which element is looked for only when somebody must be told. */
export class References {
  readonly #found = new Map<string, { work: Work; placeOf: Accepted['placeOf'] }>();

  add({ change, placeOf }: Made, work: Work): void {
    if (placeOf === undefined) return;
    for (const { param, value } of change.entries)
      if (param === REFERS && !this.#found.has(value)) this.#found.set(value, { work, placeOf });
  }

  keys(): string[] {
    return [...this.#found.keys()];
  }

  of(name: string): { work?: Work; path?: string } {
    const { work, placeOf } = this.#found.get(name) ?? {};
    const path = placeOf?.(name);
    return { ...(work === undefined ? {} : { work }), ...(path === undefined ? {} : { path }) };
  }
}
