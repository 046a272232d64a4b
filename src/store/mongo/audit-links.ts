/** A link of the audit trail as MongoDB has it: one document, in which each key stands once. */
import { BSON } from 'mongodb';
import type { AuditLink } from '../port.js';
import { part, type RawFields } from './raw.js';
import type { AuditDocument } from './schema.js';

/** So that the links of a chain sort by their numbers. */
export const nameOf = (chain: string, first: number): string => `${chain}/${String(first).padStart(15, '0')}`;

export function toDocument({ chain, first, at, text, keys, before, hash }: AuditLink): AuditDocument {
  const k = [...new Set(keys.flat())];
  const numbers = new Map(k.map((key, number) => [key, number]));
  const l = keys.map((some) => some.map((key) => numbers.get(key) ?? 0));
  return { _id: nameOf(chain, first), c: chain, n: first, at, text, k, l, before, hash };
}

export function linkOf({ c, n, at, text, k, l, before, hash }: RawFields): AuditLink {
  const names = Object.values(BSON.deserialize(part(k))) as string[];
  const lists = Object.values(BSON.deserialize(part(l))) as number[][];
  return {
    chain: String(c),
    first: Number(n),
    at: Number(at),
    text: Buffer.from(part(text)).toString(),
    keys: lists.map((numbers) => numbers.map((number) => names[number] ?? '')),
    // What is found is found by the very document.
    lost: [],
    before: String(before),
    hash: String(hash),
  };
}
