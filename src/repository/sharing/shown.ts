/**
 * What one organization is shown, each resource when: as long as what leads to it, and as the patient's Consents have it.
 * What is denied leads to nothing; it is remembered all the same, because it may be permitted again.
 */
import { merged, windows, type Window } from '../../access/consent/windows.js';
import type { Key, Owner } from '../../store/port.js';
import type { Known, World } from './world.js';

export class Shown {
  readonly world: World;
  readonly #to: Owner;
  readonly #whole: Window;
  readonly #found = new Map<string, { one: Known; windows: Window[] }>();

  /** @param whole as long as it is open at all */
  constructor(world: World, to: Owner, whole: Window) {
    this.world = world;
    this.#to = to;
    this.#whole = whole;
  }

  get size(): number {
    return this.#found.size;
  }

  /** @param by what leads to it; without that it is listed itself */
  async add(one: Known, by?: Known): Promise<void> {
    const within = by === undefined ? [this.#whole] : (this.#found.get(by.name)?.windows ?? []);
    const open = await this.#agreed(one, within);
    const there = this.#found.get(one.name)?.windows ?? [];
    this.#found.set(one.name, { one, windows: merged([...there, ...open]) });
  }

  /** Each patient whom it is about may deny it; what is about nobody is nobody's to deny. */
  async #agreed(one: Known, within: Window[]): Promise<Window[]> {
    let open = within;
    for (const patient of await this.world.patientsOf(one)) {
      const agreements = await this.world.agreements(one.owner, patient);
      if (agreements.length > 0) open = open.flatMap((part) => windows(agreements, one.found, this.#to, part));
    }
    return open;
  }

  *known(): Generator<Known> {
    for (const { one } of this.#found.values()) yield one;
  }

  *all(): Generator<{ key: Key; to: Owner; windows: Window[] }> {
    for (const { one, windows: open } of this.#found.values()) yield { key: one.key, to: this.#to, windows: open };
  }
}
