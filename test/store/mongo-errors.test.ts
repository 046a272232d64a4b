/** What the driver passes on as the socket said it, in the words of the port. */
import { describe, expect, test } from '@jest/globals';
import { isAmbiguous, isTrouble, toStoreError } from '../../src/store/mongo/errors.js';

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

  test('an error of ours stays what it is', () => {
    const error = Object.assign(new Error('no'), { code: 'ENOENT' });
    expect(toStoreError(error)).toBe(error);
    expect(isTrouble(error)).toBe(false);
  });
});
