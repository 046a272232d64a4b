/** Events from several places as one row, the newest first, that can be left anywhere and gone on with later. */
import { Turns } from '../../kit/turns.js';
import type { Found, Position } from '../../store/port.js';

/** An event, or only the word that so far nothing more was found; `behind` is where one goes on after it. */
export interface Step {
  found?: Found;
  behind: Position | null;
}

export type Stream = (from: Position | undefined) => AsyncGenerator<Step>;

/** Where each stream is; `null` for one that is at its end. */
export type Places = (Position | null)[];

export interface Walked {
  found: Found;
  /** Where the next one begins. */
  places: Places;
}

export interface Walk {
  /** The next event; undefined when there is none, or when enough was looked at. */
  next(): Promise<Walked | undefined>;
  /** Where it stands: `undefined` when all streams are at their end. */
  rest(): Places | undefined;
}

/** @param most steps that are taken at most */
export async function walk(streams: readonly Stream[], from: Places, most: number): Promise<Walk> {
  const places: Places = streams.map((_, n) => (n in from ? (from[n] ?? null) : []));
  const open = streams.flatMap((stream, n) => {
    const place = places[n];
    return place === null ? [] : [{ n, steps: stream(place?.length === 0 ? undefined : place) }];
  });
  const turns = new Turns();
  let taken = 0;
  let enough = false;

  /** Up to the stream's next event; what was passed over need not be looked at again. */
  async function advance({ n, steps }: (typeof open)[number]) {
    for (;;) {
      if (taken >= most) enough = true;
      if (enough) return undefined;
      if (turns.over) await turns.next();
      const step = await steps.next();
      taken += 1;
      if (step.done === true) {
        places[n] = null;
        return undefined;
      }
      if (step.value.found !== undefined) return { n, steps, found: step.value.found, behind: step.value.behind };
      places[n] = step.value.behind;
    }
  }

  const heads = new Map<number, NonNullable<Awaited<ReturnType<typeof advance>>>>();
  for (const one of open) {
    const head = await advance(one);
    if (head !== undefined) heads.set(one.n, head);
  }

  return {
    async next() {
      // Who could not be asked any more may have a newer one.
      if (enough) return undefined;
      let first: typeof heads extends Map<number, infer Head> ? Head | undefined : never;
      for (const head of heads.values())
        if (first === undefined || head.found.updated > first.found.updated) first = head;
      if (first === undefined) return undefined;
      const { n, found, behind } = first;
      places[n] = behind;
      heads.delete(n);
      const head = await advance(first);
      if (head !== undefined) heads.set(n, head);
      return { found, places: [...places] };
    },
    rest: () => (places.every((place) => place === null) ? undefined : [...places]),
  };
}
