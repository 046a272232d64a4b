/** How our keywords tell ajv of a problem, and what they all are inside: tests of one value at one place. */
import type { DataValidationCxt, ErrorObject } from 'ajv/dist/types/index.js';
import type { Problem } from './problems.js';

/** A problem as ajv carries it: in `params`. */
export type Report = Partial<ErrorObject>;

export type Test = (value: unknown, at: DataValidationCxt) => Report[];

/** Nothing found; shared, so that a good resource makes no garbage. Never added to. */
export const none: Report[] = [];

export const report = (instancePath: string, problem: Problem): Report => ({ instancePath, params: problem });
