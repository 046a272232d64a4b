/** Finds what a path leads to: fhirpath.js evaluates it on our own tree and tells where each element stands. */
import type { Definitions } from '../../fhir/definitions.js';
import { failure, FhirError } from '../../fhir/outcome.js';
import { compileFinder, parsePath, type Syntax } from '../../fhir/path.js';
import { limits } from '../../kit/limits.js';
import { brief } from '../brief.js';
import type { Work } from '../work.js';
import { checkPath, PathError } from './grammar.js';
import type { Step } from './place.js';

/** `at` is the operation that a refusal names. */
export interface Paths {
  /** Where the elements stand that the expression leads to in the resource. */
  find(expression: string, resource: object, at: string): Step[][];
  /** For a path that names a list: where its holders stand, and the list's name. */
  findList(expression: string, resource: object, at: string): { holders: Step[][]; name: string };
}

/** The paths of one patch on a resource of that type. */
export function pathsOf(definitions: Definitions, type: string, work: Work): Paths {
  const checked = new Map<string, Syntax>();
  const compiled = new Map<string, (resource: object) => unknown[]>();

  const check = (expression: string, at: string): Syntax => {
    const known = checked.get(expression);
    if (known !== undefined) return known;
    bound(expression, at);
    work.spend(expression.length * PARSING);
    try {
      const tree = parsePath(quoted(expression));
      checkPath(definitions, type, tree);
      checked.set(expression, tree);
      return tree;
    } catch (error) {
      throw refused(expression, at, error);
    }
  };

  /** Counts what each step touches, so that no expression takes long, whatever it is and whatever it meets. */
  const meter = (focus: unknown, result: unknown): void => {
    work.spend(EVALUATING * (1 + sizeOf(focus) + sizeOf(result)));
  };

  const evaluate = (expression: string, resource: object, at: string): Step[][] => {
    let found: unknown[];
    try {
      const run = compiled.get(expression) ?? compileFinder(quoted(expression), meter);
      compiled.set(expression, run);
      found = run(resource);
    } catch (error) {
      if (error instanceof FhirError) throw error;
      // What the engine says may repeat the resource's content; who may patch need not be one who may read.
      const reason = 'cannot be evaluated: a part of it needs a single value, or values of another type';
      throw failure('unprocessable', `${at}: the path "${brief(expression)}" ${reason}.`, at);
    }
    return found.map((node) => {
      const steps = stepsTo(node);
      if (steps !== undefined) return steps;
      throw failure('unprocessable', `${at}: the path "${brief(expression)}" leads to no element of the resource.`, at);
    });
  };

  return {
    find: (expression, resource, at) => {
      check(expression, at);
      return evaluate(expression, resource, at);
    },
    findList: (expression, resource, at) => {
      const list = listOf(expression, check(expression, at));
      if (list !== undefined) {
        return { holders: list.before === '' ? [[]] : evaluate(list.before, resource, at), name: list.name };
      }
      const fix = 'must end with the name of a list, as in Patient.identifier';
      throw failure('invalid', `${at}: the path "${brief(expression)}" ${fix}.`, at);
    },
  };
}

/** Units of work of an element that one step of an expression meets or finds. */
const EVALUATING = 2;

/**
 * Units of work of a character that is parsed, once for the check and once by the engine. An ordinary path of 50
 * characters takes a millisecond; the worst that the bounds allow is about ten times slower.
 */
const PARSING = 200;

const sizeOf = (collection: unknown): number => (Array.isArray(collection) ? collection.length : 0);

/** Brackets are counted wherever they stand: what is inside a string or a comment, only the parser knows. */
function bound(expression: string, at: string): void {
  const { patchPathCharacters, patchPathBrackets } = limits;
  if (expression.length > patchPathCharacters) {
    const found = `${at}: the path has ${expression.length} characters`;
    throw failure('too-costly', `${found}; at most ${patchPathCharacters} are read.`, at);
  }
  const brackets = expression.match(/[([{]/g)?.length ?? 0;
  if (brackets > patchPathBrackets) {
    const found = `${at}: the path opens ${brackets} brackets`;
    throw failure('too-costly', `${found}; at most ${patchPathBrackets} are read.`, at);
  }
}

/** `div` is an operator of FHIRPath and an element of Narrative, which R4's own test cases write without quotes. */
const quoted = (expression: string): string =>
  expression.replace(/'(?:[^'\\]|\\.)*'|\.div\b/g, (found) => (found === '.div' ? '.`div`' : found));

function refused(expression: string, at: string, error: unknown): FhirError {
  const path = `${at}: the path "${brief(expression)}"`;
  if (error instanceof PathError) return failure('invalid', `${path} is refused: ${error.message}.`, at);
  const reason = error instanceof Error ? ` (${(error.message.split('\n', 1)[0] ?? '').slice(0, 200)})` : '';
  return failure('invalid', `${path} is no FHIRPath expression${reason}.`, at);
}

/** The path up to the list's name, and the name. */
function listOf(expression: string, tree: Syntax): { before: string; name: string } | undefined {
  const text = expression.trim();
  const name = lastMember(tree);
  if (name === undefined || !text.endsWith(name)) return undefined;
  const before = text.slice(0, -name.length).trimEnd();
  if (before === '') return { before, name };
  return before.endsWith('.') ? { before: before.slice(0, -1), name } : undefined;
}

function lastMember(tree: Syntax): string | undefined {
  let node: Syntax | undefined = tree;
  while (node !== undefined && node.type !== 'MemberInvocation') {
    if (!THROUGH.has(node.type)) return undefined;
    node = node.children?.at(-1);
  }
  return node?.text;
}

const THROUGH: ReadonlySet<string> = new Set([
  'EntireExpression',
  'TermExpression',
  'InvocationTerm',
  'InvocationExpression',
]);

/** fhirpath.js keeps for each element which it came from, by what name and, in a list, at which index. */
interface Found {
  parentResNode: Found | null;
  propName: string | null;
  index: number | null;
}

function stepsTo(node: unknown): Step[] | undefined {
  if (typeof node !== 'object' || node === null || !('parentResNode' in node)) return undefined;
  const steps: Step[] = [];
  for (let found = node as Found; found.parentResNode !== null; found = found.parentResNode) {
    steps.unshift({ name: found.propName ?? '', ...(found.index === null ? {} : { index: found.index }) });
  }
  return steps;
}
