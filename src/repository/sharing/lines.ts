/**
 * Writes of one process that change the same referral stand in line: each would otherwise be made from a state that the
 * others are about to replace, and most of them would begin again and again. Processes meet at the store.
 */
export class Lines {
  readonly #last = new Map<string, Promise<void>>();

  /** Resolves when those before are done; whoever is called back lets the next one go. */
  async join(names: Iterable<string>): Promise<() => void> {
    const left: (() => void)[] = [];
    // Always in the same order, so that nobody waits for who waits for them.
    for (const name of [...new Set(names)].sort()) {
      const before = this.#last.get(name);
      let leave = (): void => undefined;
      const mine = new Promise<void>((resolve) => {
        leave = resolve;
      });
      this.#last.set(name, mine);
      left.push(() => {
        if (this.#last.get(name) === mine) this.#last.delete(name);
        leave();
      });
      await before;
    }
    return () => {
      for (const leave of left) leave();
    };
  }
}
