/** Bounds of the server that a suite meets with less data than they stand for. */
import { limits, type Limits } from '../../src/kit/limits.js';

/** While the tests of the surrounding `describe` run, in this process. */
export function lowerLimits(bounds: Partial<Limits>): void {
  const before = { ...limits };
  beforeAll(() => void Object.assign(limits, bounds));
  afterAll(() => void Object.assign(limits, before));
}
