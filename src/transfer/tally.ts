/**
 * A hash of many versions that does not depend on their order: two stores that give the same versions in different
 * orders have the same one. It is the sum of the versions' own hashes, so that a version that is missing, changed or
 * there twice makes another sum.
 */
import { createHash } from 'node:crypto';
import type { Version } from '../store/port.js';

export interface Tally {
  versions: number;
  /** The sum modulo 2^256 in hexadecimal. */
  sum: string;
}

export const emptyTally: Tally = { versions: 0, sum: '0' };

export const add = (tally: Tally, versions: readonly Version[]): Tally =>
  versions.reduce((sum, one) => addHash(sum, createHash('sha256').update(lineOf(one)).digest('hex')), tally);

/** One thing more, by its hash in hexadecimal. */
export function addHash({ versions, sum }: Tally, hash: string): Tally {
  return { versions: versions + 1, sum: BigInt.asUintN(256, BigInt(`0x${sum}`) + BigInt(`0x${hash}`)).toString(16) };
}

export const same = (one: Tally, other: Tally): boolean => one.versions === other.versions && one.sum === other.sum;

/** A version as one line of JSON, always with the same members in the same order. */
export function lineOf({ type, id, version, updated, owner, method, text, blob }: Version): string {
  const base = { type, id, version, updated, owner, method, text };
  return JSON.stringify(blob === undefined ? base : { ...base, blob: { hash: blob.hash, size: blob.size } });
}

export function versionOf(line: string): Version {
  const { text, ...rest } = JSON.parse(line) as Version;
  return { ...rest, text };
}
