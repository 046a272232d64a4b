/**
 * The part of FHIRPath in which a patch may say where. It leads to elements, compares them with literals, and nothing
 * else: what could look up other servers (`resolve`, `memberOf`), walk everything (`descendants`, `repeat`), match
 * patterns or compare whole trees is refused by name. Names are looked up in R4's definitions, because a misspelt one
 * finds nothing, and deleting nothing is no error.
 */
import type { Definitions } from '../../fhir/definitions.js';
import type { Syntax } from '../../fhir/path.js';
import { elementNamed, elementsOf, isA, typesOf, type Elements } from './elements.js';

/** What may stand at some point of the path: a type, and its children where they are defined in place. */
interface Kind {
  type: string;
  elements: Elements;
}

/** Throws what is wrong with the expression, as a sentence's end: "… is not allowed". */
export class PathError extends Error {}

/** Refuses what is outside of the grammar, and names that the type does not have. */
export function checkPath(definitions: Definitions, type: string, tree: Syntax): void {
  const root = [{ type, elements: definitions.types.get(type)?.elements ?? {} }];
  read({ definitions, root }, tree, root, root);
}

interface Check {
  definitions: Definitions;
  root: readonly Kind[];
}

/** @param focus what stands before the node; @param self what a new term begins from, `$this` */
type Reader = (check: Check, node: Syntax, focus: readonly Kind[], self: readonly Kind[]) => readonly Kind[];

const read: Reader = (check, node, focus, self) => {
  const reader = Object.hasOwn(NODES, node.type) ? NODES[node.type] : undefined;
  if (reader !== undefined) return reader(check, node, focus, self);
  throw new PathError(`${NAMES[node.type] ?? node.type} is not allowed in the path of a patch`);
};

const child: Reader = (check, node, focus, self) => read(check, part(node, 0), focus, self);

const logic: Reader = (check, node, _, self) => {
  for (const side of node.children ?? []) read(check, side, self, self);
  return [];
};

/** One side is a literal, so that no two trees are ever compared. */
const comparison: Reader = (check, node, focus, self) => {
  if (!isLiteral(part(node, 0)) && !isLiteral(part(node, 1))) {
    throw new PathError(`"${node.text ?? ''}" must have a literal on one side, as in use = 'official'`);
  }
  return logic(check, node, focus, self);
};

const NODES: Readonly<Record<string, Reader>> = {
  EntireExpression: child,
  TermExpression: child,
  InvocationTerm: child,
  ParenthesizedTerm: child,
  InvocationExpression: (check, node, focus, self) => {
    const before = read(check, part(node, 0), focus, self);
    return read(check, part(node, 1), before, self);
  },
  MemberInvocation: memberNamed,
  ThisInvocation: (_check, _node, _focus, self) => self,
  FunctionInvocation: call,
  IndexerExpression: (check, node, focus, self) => {
    if (!isLiteral(part(node, 1))) throw new PathError('[ ] must hold a number, as in name[0]');
    return read(check, part(node, 0), focus, self);
  },
  TypeExpression: (check, node, focus, self) => {
    const before = read(check, part(node, 0), focus, self);
    const kept = narrow(check, before, part(node, 1).text ?? '');
    return node.text === 'as' ? kept : [];
  },
  LiteralTerm: literal,
  PolarityExpression: (check, node, focus, self) => {
    if (!isPlain(part(node, 0))) throw new PathError('a sign may stand before a number only');
    return child(check, node, focus, self);
  },
  EqualityExpression: comparison,
  InequalityExpression: comparison,
  MembershipExpression: comparison,
  AndExpression: logic,
  OrExpression: logic,
  ImpliesExpression: logic,
};

/** What a refusal calls the nodes that have no word of their own. */
const NAMES: Readonly<Record<string, string>> = {
  ExternalConstantTerm: 'a variable such as %resource',
  UnionExpression: 'a union (|)',
  AdditiveExpression: 'arithmetic',
  MultiplicativeExpression: 'arithmetic',
  InstanceSelectorTerm: 'a new object ({ })',
  IndexInvocation: '$index',
  TotalInvocation: '$total',
};

const LITERALS: ReadonlySet<string> = new Set([
  'StringLiteral',
  'NumberLiteral',
  'BooleanLiteral',
  'DateLiteral',
  'DateTimeLiteral',
  'TimeLiteral',
]);

function literal(_check: Check, node: Syntax): readonly Kind[] {
  if (LITERALS.has(part(node, 0).type)) return [];
  throw new PathError(`the literal ${node.text ?? ''} is not allowed in the path of a patch`);
}

/** With one sign at most: thousands of them would be a tree too deep to walk. */
const isLiteral = (node: Syntax): boolean => isPlain(node.type === 'PolarityExpression' ? part(node, 0) : node);

const isPlain = (node: Syntax): boolean => node.type === 'TermExpression' && part(node, 0).type === 'LiteralTerm';

type Call = (check: Check, args: readonly Syntax[], focus: readonly Kind[]) => readonly Kind[];

/** Picks some of what stands before it. */
const pick: Call = (_check, _args, focus) => focus;
/** Asks something of what stands before it. */
const ask: Call = () => [];
const criteria: Call = (check, args, focus) => {
  for (const one of args) read(check, one, focus, focus);
  return focus;
};
const typed: Call = (check, args, focus) => narrow(check, focus, args[0]?.text ?? '');

/** The functions that a path may call, and how many arguments each has. */
const FUNCTIONS: Readonly<Record<string, { arguments: readonly number[]; read: Call; literal?: true }>> = {
  where: { arguments: [1], read: criteria },
  exists: { arguments: [0, 1], read: (check, args, focus) => ask(check, args, criteria(check, args, focus)) },
  empty: { arguments: [0], read: ask },
  not: { arguments: [0], read: ask },
  hasValue: { arguments: [0], read: ask },
  count: { arguments: [0], read: ask },
  first: { arguments: [0], read: pick },
  last: { arguments: [0], read: pick },
  tail: { arguments: [0], read: pick },
  single: { arguments: [0], read: pick },
  skip: { arguments: [1], read: pick, literal: true },
  take: { arguments: [1], read: pick, literal: true },
  ofType: { arguments: [1], read: typed },
  as: { arguments: [1], read: typed },
  is: { arguments: [1], read: (check, args, focus) => ask(check, args, typed(check, args, focus)) },
  extension: { arguments: [1], read: (check, _, focus) => childrenNamed(check, focus, 'extension'), literal: true },
  startsWith: { arguments: [1], read: ask, literal: true },
  endsWith: { arguments: [1], read: ask, literal: true },
  contains: { arguments: [1], read: ask, literal: true },
};

function call(check: Check, node: Syntax, focus: readonly Kind[]): readonly Kind[] {
  const name = node.text ?? '';
  const known = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (known === undefined) {
    throw new PathError(
      `the function ${name}() is not allowed in the path of a patch; it may call ${Object.keys(FUNCTIONS).join(', ')}`,
    );
  }
  // Below the invocation stands `Functn`, and below that the name and, if there are any, the arguments.
  const args = part(node, 0).children?.[1]?.children ?? [];
  if (!known.arguments.includes(args.length)) {
    throw new PathError(`${name}() takes ${known.arguments.join(' or ')} arguments, not ${args.length}`);
  }
  if (known.literal === true && !args.every(isLiteral)) throw new PathError(`${name}() takes a literal`);
  return known.read(check, args, focus);
}

function memberNamed(check: Check, node: Syntax, focus: readonly Kind[], self: readonly Kind[]): readonly Kind[] {
  const name = (node.text ?? '').replace(/^`(.*)`$/, '$1');
  if (!/^[A-Z]/.test(name)) return childrenNamed(check, focus, name);
  // A type's name begins the path: `Patient.name`, `DomainResource.text`.
  if (focus === self && self === check.root && self.every(({ type }) => isA(check.definitions, type, name))) {
    return self;
  }
  const type = check.root[0]?.type ?? '';
  throw new PathError(`"${name}" does not belong there; the resource is of type ${type}`);
}

function childrenNamed(check: Check, focus: readonly Kind[], name: string): readonly Kind[] {
  const found = focus.flatMap((kind) => {
    const element = elementNamed(kind.elements, name);
    if (element === undefined) return [];
    return typesOf(element).flatMap((type) => {
      // Which resource is contained, only the data say.
      const types = type === 'Resource' ? check.definitions.resourceTypes : [type];
      return types.map((one) => ({ type: one, elements: elementsOf(check.definitions, element, one) }));
    });
  });
  if (found.length > 0) return distinct(found);
  const types = [...new Set(focus.map(({ type }) => type))];
  const where = types.length === 0 ? 'what stands before it' : types.slice(0, 5).join(', ');
  throw new PathError(`there is no element "${name}" in ${where}`);
}

/** An extension holds fifty types, each of which has extensions: without this the kinds would multiply at every step. */
function distinct(kinds: readonly Kind[]): readonly Kind[] {
  const seen = new Map<Elements, Set<string>>();
  return kinds.filter(({ type, elements }) => {
    const types = seen.get(elements) ?? new Set();
    const isNew = !types.has(type);
    seen.set(elements, types.add(type));
    return isNew;
  });
}

function narrow(check: Check, focus: readonly Kind[], written: string): readonly Kind[] {
  const name = written.replace(/^FHIR\./, '');
  const kept = focus.filter(({ type }) => isA(check.definitions, type, name));
  if (kept.length > 0) return kept;
  throw new PathError(`nothing that stands before it can be of the type "${name}"`);
}

function part(node: Syntax, index: number): Syntax {
  const found = node.children?.[index];
  if (found === undefined) throw new PathError('the expression is not complete');
  return found;
}
