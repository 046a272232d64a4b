/** What the driver passes on as the socket said it, in the words of the port. */
import { describe, expect, test } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { MongoWriteConcernError, type MongoClient, type TopologyDescriptionChangedEvent } from 'mongodb';
import { isAmbiguous, isTrouble, toStoreError } from '../../src/store/mongo/errors.js';
import { createCurrent } from '../../src/store/mongo/terms.js';

describe('MongoDB: errors of the line', () => {
  test.each(['EPIPE', 'ECONNRESET', 'ETIMEDOUT'])(
    'a bare %s is trouble, and leaves open what became of a write',
    (code) => {
      const error = Object.assign(new Error(`write ${code}`), { code, syscall: 'write' });
      expect(isTrouble(error)).toBe(true);
      expect(isAmbiguous(error)).toBe(true);
      expect(toStoreError(error)).toMatchObject({ reason: 'unavailable', cause: error });
    },
  );

  test('a write that no majority has in time may be undone yet: what became of it is not known', () => {
    const error = new MongoWriteConcernError({
      ok: 1,
      writeConcernError: { code: 64, errmsg: 'waiting for replication' },
    });
    expect(toStoreError(error)).toMatchObject({ reason: 'unknown', cause: error });
  });

  test('who waits for the first write of a new primary is told to try again, when no majority takes it', async () => {
    const client = new EventEmitter() as unknown as MongoClient;
    const late = new MongoWriteConcernError({
      ok: 1,
      writeConcernError: { code: 64, errmsg: 'waiting for replication' },
    });
    let isLate = true;
    const meta = { updateOne: () => (isLate ? Promise.reject(late) : Promise.resolve()) };
    const current = createCurrent(client, meta as unknown as Parameters<typeof createCurrent>[1], 100);
    const read = current(() => Promise.resolve('read'));
    const elected = (address: string) =>
      client.emit('topologyDescriptionChanged', {
        newDescription: { servers: new Map([[address, { type: 'RSPrimary', address }]]) },
      } as unknown as TopologyDescriptionChangedEvent);
    elected('a:1');
    expect(await read()).toBe('read');
    elected('b:1');
    await expect(read()).rejects.toMatchObject({ name: 'StoreError', reason: 'unavailable' });
    isLate = false;
    expect(await read()).toBe('read');
  });

  test('an error of ours stays what it is', () => {
    const error = Object.assign(new Error('no'), { code: 'ENOENT' });
    expect(toStoreError(error)).toBe(error);
    expect(isTrouble(error)).toBe(false);
  });
});
