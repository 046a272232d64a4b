/** A Questionnaire by itself, by the engine's lint. */
import type { Issue } from '../fhir/outcome.js';
import { checkPath, inTurns, PathError, type PathReading } from '../fhir/path.js';
import type { Resource } from '../fhir/types.js';
import { limits } from '../kit/limits.js';
import { FUNCTIONS } from '../questionnaire/formulas.js';
import { lint } from '../questionnaire/lint.js';

/** Nothing of any other type. Its structure must have been found in order. */
export const checkQuestionnaire = (resource: Resource): Issue[] =>
  resource.resourceType === 'Questionnaire' ? lint(resource, (text) => look(text, readingOf(resource))) : [];

/** Calls what checks the resource, and others have their turns while its expressions are read. */
export const checkInTurns = <T>(resource: Resource, check: () => T): Promise<T> =>
  inTurns(readingOf(resource).reading, check);

/** What was read of one Questionnaire. */
interface Read {
  known: Map<string, PathError | undefined>;
  reading: PathReading;
}

const read = new WeakMap<Resource, Read>();

function readingOf(resource: Resource): Read {
  const own = read.get(resource) ?? { known: new Map(), reading: { left: limits.formExpressionTokens } };
  read.set(resource, own);
  return own;
}

function look(text: string, { known, reading }: Read): void {
  if (!known.has(text)) known.set(text, wrongWith(text, reading));
  const found = known.get(text);
  if (found !== undefined) throw found;
}

function wrongWith(text: string, reading: PathReading): PathError | undefined {
  try {
    checkPath(text, FUNCTIONS, reading);
    return undefined;
  } catch (error) {
    if (error instanceof PathError && error.kind !== 'later') return error;
    throw error;
  }
}
