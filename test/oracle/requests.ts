/** TABLE: requests of every kind, and how often each is drawn. */
import fc from 'fast-check';
import { reading, writing } from './bundles.js';
import { history, look, systemHistory } from './looks.js';
import type { Request } from './request.js';
import type { Token } from './roles.js';
import { step, takeOver } from './steps.js';
import { endConsent, turnRequest } from './turns.js';
import {
  asImport,
  create,
  createByCondition,
  remove,
  staleWrite,
  update,
  updateByCondition,
  updated,
} from './writes.js';
import { compartment, count, include, pages, search } from './searches.js';
import type { World } from './world.js';

export function requests(world: World, tokens: fc.Arbitrary<Token>): fc.Arbitrary<Request> {
  const reads = fc.oneof(search(world), look(world), compartment(world), count(world));
  const writes = (all: World) => fc.oneof(update(all), update(all), create(all), createByCondition(all));
  const stepping: Parameters<typeof step>[1] = (eyes, kept, next) => asImport(eyes, updated(eyes, kept, next), false);
  return fc.oneof(
    { weight: 24, arbitrary: search(world) },
    { weight: 8, arbitrary: count(world) },
    { weight: 12, arbitrary: include(world) },
    { weight: 6, arbitrary: pages(world, tokens) },
    { weight: 6, arbitrary: compartment(world) },
    { weight: 38, arbitrary: look(world) },
    { weight: 5, arbitrary: history(world) },
    { weight: 1, arbitrary: systemHistory() },
    { weight: 4, arbitrary: staleWrite(world) },
    { weight: 10, arbitrary: update(world) },
    { weight: 12, arbitrary: step(world, stepping) },
    { weight: 4, arbitrary: takeOver(world, stepping) },
    { weight: 4, arbitrary: endConsent(world) },
    { weight: 3, arbitrary: turnRequest(world) },
    { weight: 3, arbitrary: remove(world) },
    { weight: 4, arbitrary: create(world) },
    { weight: 4, arbitrary: createByCondition(world) },
    { weight: 4, arbitrary: updateByCondition(world) },
    { weight: 4, arbitrary: reading(reads) },
    { weight: 4, arbitrary: writing(world, writes) },
  );
}
