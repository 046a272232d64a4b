/** A request, and what its answer must be. */
import type { Answer } from './line.js';
import type { Eyes } from './authorizer.js';
import { userOf, type Token } from './roles.js';
import { nameOf, type Json, type Kept } from './world.js';

/** What an answer tells: its status, which resources it shows (`Type/id` or `Type/id/version`), and how many there are. */
export interface Verdict {
  /** `refused`: any of 4xx, where the oracle does not say which. */
  status: number | 'refused';
  shown?: string[];
  total?: number;
  /** Of the entries of a Bundle. */
  entries?: Verdict[];
}

export interface Request {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  headers?: Record<string, string>;
  body?: Json;
  /** `pages`: all of them, one after another. `other`: the second page is asked for by this other caller. */
  follow?: 'pages' | Token;
  /** What it is about, where that is one resource: who has to do with it asks more often than others. */
  about?: Pick<Kept, 'owner' | 'versions'>;
  /** Types that it leads through on the way to what it finds: who may see less of one of them asks more often than others. */
  through?: string[];
  /** Roles that it says most about: those who have to do with it ask in one of them. */
  by?: readonly Token['role'][];
  expected: (eyes: Eyes) => Verdict;
  /** What an accepted one does to the world. */
  effect?: (eyes: Eyes, answer: Pick<Answer, 'body' | 'etag' | 'location'>) => void;
}

export const names = (found: Kept[]): string[] => found.map(nameOf).sort();

/** Whether two tokens are of one user, client and patient: whoever goes on is who began. */
export const isSame = (one: Token, other: Token): boolean =>
  one.organization === other.organization && userOf(one) === userOf(other) && one.patient === other.patient;
