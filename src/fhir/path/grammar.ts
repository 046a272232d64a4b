/** What an expression of others may be: how long, how deep, and which functions it may call. */
import { argumentsOf } from './bounds.js';
import { parsePath, type Syntax } from './engine.js';
import { PathError } from './error.js';

/** Throws a PathError for what fhirpath.js would not read, or what is not run here. Bounded before. */
export function checkSyntax(text: string, functions: readonly string[]): void {
  visit(parsePath(text), functions);
}

/** Recursion is safe here: the depth of brackets and the number of tokens are bounded before. */
function visit(node: Syntax, functions: readonly string[]): void {
  if (node.type === 'FunctionInvocation') {
    const name = node.text ?? '';
    const known = argumentsOf(name);
    const count = node.children?.[0]?.children?.[1]?.children?.length ?? 0;
    if (known === undefined && !functions.includes(name)) {
      throw new PathError('refused', `the function ${name.slice(0, 40)}() is not known here`);
    }
    if (known !== undefined && (count < known[0] || count > known[1])) {
      const [least, most] = known;
      const number = least === most ? String(least) : `${least} to ${most}`;
      throw new PathError('syntax', `${name}() takes ${number} arguments, not ${count}`);
    }
  }
  for (const child of node.children ?? []) visit(child, functions);
}
