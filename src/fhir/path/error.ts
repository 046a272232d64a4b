/** What may be wrong with an expression, or with a run of it. */

/**
 * `syntax`: no expression; `refused`: one that is not run here; `costly`: beyond a bound; `failed`: for these values;
 * `later`: to be asked once more after others had their turn (`turns.ts`).
 */
export class PathError extends Error {
  constructor(
    readonly kind: 'syntax' | 'refused' | 'costly' | 'failed' | 'later',
    message: string,
  ) {
    super(message);
    this.name = 'PathError';
  }
}

/** Thrown where fhirpath.js has to be loaded first. */
export class EngineWanted extends PathError {
  constructor() {
    super('later', 'fhirpath.js is being loaded');
  }
}
