/** What every part of the store is given. */
import type { MongoClient } from 'mongodb';
import type { Clock } from '../../kit/clock.js';
import type { Collections } from './schema.js';

export interface Parts {
  client: MongoClient;
  collections: Collections;
  clock: Clock;
  fields: boolean;
  operationMs: number;
  writeMs: number;
  joinTargets: number;
  graceMs: number;
}
