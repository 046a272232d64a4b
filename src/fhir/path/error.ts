/** What may be wrong with an expression, or with a run of it. */

/** `syntax`: no expression; `refused`: one that is not run here; `costly`: beyond a bound; `failed`: for these values. */
export class PathError extends Error {
  constructor(
    readonly kind: 'syntax' | 'refused' | 'costly' | 'failed',
    message: string,
  ) {
    super(message);
    this.name = 'PathError';
  }
}
