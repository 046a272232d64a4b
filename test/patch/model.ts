/**
 * RFC 6902 once more, written to be obvious: numbers are tagged with their digits, every operation makes a new document.
 * Returns canonical text.
 */
import { parseJson, rawNumber } from '../../src/kit/json.js';

export class PatchFailed extends Error {}

type Tree = string | boolean | null | { digits: string } | Tree[] | Map<string, Tree>;

export function model(documentText: string, patchText: string): string {
  let document = treeOf(parseJson(documentText, 64));
  const type = member(document, 'resourceType');
  for (const operation of treeOf(parseJson(patchText, 64)) as Map<string, Tree>[]) {
    document = apply(document, operation);
  }
  if (member(document, 'resourceType') !== type || member(document, 'id') !== undefined) throw new PatchFailed();
  return textOf(document);
}

const member = (tree: Tree, name: string): Tree | undefined => (tree instanceof Map ? tree.get(name) : undefined);

function apply(document: Tree, operation: Map<string, Tree>): Tree {
  const path = tokensOf(operation.get('path'));
  const from = tokensOf(operation.get('from'));
  const value = operation.get('value')!;
  switch (textOf(operation.get('op')!)) {
    case '"add"':
      return put(document, path, value);
    case '"remove"':
      return take(document, path);
    case '"replace"':
      get(document, path);
      return path.length === 0 ? value : change(document, path, value);
    case '"copy"':
      return put(document, path, get(document, from));
    case '"move"': {
      if (path.length > from.length && from.every((token, at) => path[at] === token)) throw new PatchFailed();
      const moved = get(document, from);
      return path.join('/') === from.join('/') && path.length === from.length
        ? document
        : put(take(document, from), path, moved);
    }
    default:
      if (!same(get(document, path), value)) throw new PatchFailed();
      return document;
  }
}

const tokensOf = (path: Tree | undefined): string[] =>
  (path as string)
    .split('/')
    .slice(1)
    .map((token) => token.replace(/~1/g, '/').replace(/~0/g, '~'));

function get(tree: Tree, [token, ...rest]: string[]): Tree {
  if (token === undefined) return tree;
  const child = tree instanceof Map ? tree.get(token) : Array.isArray(tree) ? tree[indexOf(token)] : undefined;
  if (child === undefined) throw new PatchFailed();
  return get(child, rest);
}

/** The document with another holder of the last token. */
function at(tree: Tree, path: string[], edit: (holder: Tree, token: string) => Tree): Tree {
  const [token, ...rest] = path;
  if (token === undefined) throw new PatchFailed();
  if (rest.length === 0) return edit(tree, token);
  return change(tree, [token], at(get(tree, [token]), rest, edit));
}

const change = (document: Tree, path: string[], value: Tree): Tree =>
  at(document, path, (holder, token) =>
    holder instanceof Map
      ? new Map(holder).set(token, value)
      : (holder as Tree[]).map((item, index) => (index === Number(token) ? value : item)),
  );

const put = (document: Tree, path: string[], value: Tree): Tree =>
  path.length === 0
    ? value
    : at(document, path, (holder, token) => {
        if (holder instanceof Map) return new Map(holder).set(token, value);
        if (!Array.isArray(holder)) throw new PatchFailed();
        const index = token === '-' ? holder.length : indexOf(token);
        if (!(index <= holder.length)) throw new PatchFailed();
        return [...holder.slice(0, index), value, ...holder.slice(index)];
      });

function take(document: Tree, path: string[]): Tree {
  get(document, path);
  return at(document, path, (holder, token) =>
    holder instanceof Map
      ? new Map([...holder].filter(([name]) => name !== token))
      : (holder as Tree[]).filter((_, index) => index !== Number(token)),
  );
}

const indexOf = (token: string): number => (String(Number.parseInt(token, 10)) === token ? Number(token) : NaN);

function same(left: Tree, right: Tree): boolean {
  if (left instanceof Map && right instanceof Map) {
    return left.size === right.size && [...left].every(([name, one]) => right.has(name) && same(one, right.get(name)!));
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((one, index) => same(one, right[index]!));
  }
  const [a, b] = [left, right].map((one) =>
    typeof one === 'object' && one !== null && 'digits' in one ? Number(one.digits) : one,
  );
  return a === b && typeof a !== 'object';
}

function treeOf(value: any): Tree {
  const child = (parent: any, key: string | number): Tree =>
    typeof parent[key] === 'number'
      ? { digits: rawNumber(parent, key) ?? JSON.stringify(parent[key]) }
      : treeOf(parent[key]);
  if (Array.isArray(value)) return value.map((_, index) => child(value, index));
  if (typeof value !== 'object' || value === null) return value as Tree;
  return new Map(Object.keys(value).map((name) => [name, child(value, name)]));
}

function textOf(tree: Tree): string {
  if (Array.isArray(tree)) return `[${tree.map(textOf).join()}]`;
  if (tree instanceof Map) {
    const names = [...tree.keys()].sort();
    return `{${names.map((name) => `${JSON.stringify(name)}:${textOf(tree.get(name)!)}`).join()}}`;
  }
  return typeof tree === 'object' && tree !== null ? tree.digits : JSON.stringify(tree);
}
