/** The promises of `src/blob/port.ts`, as tests that any blob store must pass. */
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { TooManyBytes, type BlobRef, type Blobs } from '../../src/blob/port.js';
import type { FakeClock } from './store.js';

export interface OpenedBlobs {
  blobs: Blobs;
  /** How many blobs, finished or not, take room at this moment. */
  stored(): Promise<number>;
  /** What another process would open over the same data. */
  another(): Promise<Blobs>;
  clock: FakeClock;
  close(): Promise<void>;
}

const MB = 1024 * 1024;

export function blobsContract(name: string, open: () => Promise<OpenedBlobs>): void {
  describe(`${name} keeps the contract of a blob store`, () => {
    let opened: OpenedBlobs;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.close());

    const put = (bytes: Buffer, atMost = 64 * MB) => opened.blobs.put(inPieces(bytes, 10_000), atMost);
    const refOf = (bytes: Buffer): BlobRef => ({
      hash: createHash('sha256').update(bytes).digest('hex'),
      size: bytes.length,
    });

    test.each([0, 1, 255, 10_000, 300_001, 3 * MB + 7])('gives back %i bytes under their hash', async (size) => {
      const bytes = randomBytes(size);
      const ref = await put(bytes);
      expect(ref).toEqual(refOf(bytes));
      const got = await opened.blobs.get(ref);
      expect(got && (await buffer(got)).equals(bytes)).toBe(true);
    });

    test('the same bytes are stored once, also when they come at the same time', async () => {
      const bytes = randomBytes(400_000);
      const before = await opened.stored();
      const refs = await Promise.all([put(bytes), put(bytes), put(bytes)]);
      refs.push(await put(bytes));
      expect(refs).toEqual(refs.map(() => refOf(bytes)));
      expect(await opened.stored()).toBe(before + 1);
      const got = await opened.blobs.get(refs[0]);
      expect(got && (await buffer(got)).equals(bytes)).toBe(true);
    });

    test('as many bytes as allowed are taken, one more is refused and leaves nothing', async () => {
      const bytes = randomBytes(50_001);
      const before = await opened.stored();
      await expect(put(bytes, 50_000)).rejects.toThrow(TooManyBytes);
      expect(await opened.stored()).toBe(before);
      expect(await opened.blobs.get(refOf(bytes))).toBeUndefined();
      await expect(put(bytes, 50_001)).resolves.toEqual(refOf(bytes));
    });

    test('too many bytes are refused before the stream ends', async () => {
      let sent = 0;
      const endless = new Readable({
        read() {
          sent += 1;
          this.push(Buffer.alloc(10_000));
        },
      });
      await expect(opened.blobs.put(endless, 1_000_000)).rejects.toThrow(TooManyBytes);
      expect(sent).toBeLessThan(1000);
      expect(endless.destroyed).toBe(true);
    });

    test('a stream that fails leaves nothing behind', async () => {
      const before = await opened.stored();
      const failing = Readable.from(failAfter(randomBytes(500_000)));
      await expect(opened.blobs.put(failing, MB)).rejects.toThrow('The line is dead.');
      expect(await opened.stored()).toBe(before);
    });

    test.each([
      ['the first byte', 0, 0],
      ['a piece over every border', 250_000, 600_000],
      ['the last bytes', 699_990, 699_999],
      ['everything', 0, 699_999],
    ])('gives a part: %s', async (_name, start, end) => {
      const bytes = Buffer.alloc(700_000, 'abcdefghijk0123456789');
      const ref = await put(bytes);
      const got = await opened.blobs.get(ref, { start, end });
      expect(got && (await buffer(got)).equals(bytes.subarray(start, end + 1))).toBe(true);
    });

    test('what was never put is not there', async () => {
      expect(await opened.blobs.get(refOf(randomBytes(9)))).toBeUndefined();
      expect(await opened.blobs.get({ hash: '../../../etc/passwd', size: 1 })).toBeUndefined();
    });

    const HOUR = 3_600_000;
    const ROUNDS = 6;
    const listed = async (blobs = opened.blobs) => {
      const all = new Map<string, { size: number; since: number }>();
      for await (const { hash, ...rest } of blobs.list()) all.set(hash, rest);
      return all;
    };
    const never = () => Promise.resolve(false);
    const removeOld = (hash: string, isUsed = never, { blobs = opened.blobs, heldMs = HOUR } = {}) =>
      blobs.remove(hash, { before: opened.clock.now(), heldBefore: opened.clock.now() - heldMs, isUsed });
    const putAndSettle = async (bytes: Buffer) => {
      const ref = await put(bytes);
      await opened.blobs.settled(ref);
      opened.clock.forward(1000);
      return ref;
    };

    test('lists what is there with its size and the time of its last put', async () => {
      const bytes = randomBytes(1234);
      const first = opened.clock.now();
      const { hash, size } = await putAndSettle(bytes);
      expect((await listed()).get(hash)).toEqual({ size, since: first });
      const second = opened.clock.now();
      await putAndSettle(bytes);
      expect((await listed()).get(hash)).toEqual({ size, since: second });
    });

    test('removes what is old, not held and not used, and all of its room', async () => {
      const before = await opened.stored();
      const ref = await putAndSettle(randomBytes(2 * MB));
      expect(await removeOld(ref.hash)).toBe(true);
      expect(await opened.blobs.get(ref)).toBeUndefined();
      expect((await listed()).has(ref.hash)).toBe(false);
      expect(await opened.stored()).toBe(before);
      expect(await removeOld(ref.hash)).toBe(false);
      expect(await removeOld('../../etc')).toBe(false);
    });

    test('what is used, or young, stays', async () => {
      const bytes = randomBytes(500);
      const ref = await putAndSettle(bytes);
      const terms = { heldBefore: 0, isUsed: never };
      expect(await opened.blobs.remove(ref.hash, { ...terms, before: opened.clock.now() - 1000 })).toBe(false);
      expect(await removeOld(ref.hash, () => Promise.resolve(true))).toBe(false);
      const failing = () => Promise.reject(new Error('The store is gone.'));
      await expect(removeOld(ref.hash, failing)).rejects.toThrow('The store is gone.');
      const got = await opened.blobs.get(ref);
      expect(got && (await buffer(got)).equals(bytes)).toBe(true);
    });

    test('what is held stays, for a collector in another process too, until the hold is old', async () => {
      const ref = await put(randomBytes(500));
      const again = await put(randomBytes(1));
      await opened.blobs.settled(again);
      const another = await opened.another();
      opened.clock.forward(1000);
      expect(await removeOld(ref.hash, never, { blobs: another })).toBe(false);
      await opened.blobs.settled({ ...ref });
      expect(await removeOld(ref.hash)).toBe(false);
      opened.clock.forward(HOUR);
      expect(await removeOld(ref.hash, never, { blobs: another })).toBe(true);
      await another.close();
    });

    test('each put of the same bytes holds for itself', async () => {
      const bytes = randomBytes(700);
      const [one, other] = [await put(bytes), await put(bytes)];
      await opened.blobs.settled(one);
      opened.clock.forward(1000);
      expect(await removeOld(one.hash)).toBe(false);
      await opened.blobs.settled(other);
      expect(await removeOld(one.hash)).toBe(true);
    });

    test('while it is set aside it can be read, and put again', async () => {
      const bytes = randomBytes(300_000);
      const ref = await putAndSettle(bytes);
      const removed = await removeOld(ref.hash, async () => {
        const got = await opened.blobs.get(ref);
        expect(got && (await buffer(got)).equals(bytes)).toBe(true);
        await put(bytes);
        return false;
      });
      const got = await opened.blobs.get(ref);
      expect(got && (await buffer(got)).equals(bytes)).toBe(true);
      expect((await listed()).has(ref.hash)).toBe(true);
      expect(typeof removed).toBe('boolean');
    });

    test('sixteen writers put the same bytes while two collectors run, and none is lost', async () => {
      const another = await opened.another();
      const bytes = randomBytes(20_000);
      const { hash } = refOf(bytes);
      let written = 0;
      let removed = 0;
      let done = false;
      const collectors = [opened.blobs, another].map(async (blobs) => {
        while (!done) {
          const isUsed = () => Promise.resolve(written > 0);
          if (await blobs.remove(hash, { before: 8e15, heldBefore: 0, isUsed })) removed += 1;
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      });
      // What a writer does: put, write what refers to the blob, let go.
      const write = async (blobs: Blobs) => {
        const ref = await blobs.put(Readable.from([bytes]), MB);
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
        written += 1;
        await blobs.settled(ref);
      };
      try {
        for (let round = 0; round < ROUNDS; round += 1) {
          await Promise.all(Array.from({ length: 16 }, (_, n) => write(n % 2 === 0 ? opened.blobs : another)));
          const got = await opened.blobs.get(refOf(bytes));
          expect(got && (await buffer(got)).equals(bytes)).toBe(true);
          // Nothing refers to it any more: now it may go.
          written = 0;
          for (let tries = 0; tries < 500 && (await opened.blobs.get(refOf(bytes))) !== undefined; tries += 1)
            await new Promise((resolve) => setTimeout(resolve, 2));
        }
      } finally {
        done = true;
        await Promise.all(collectors);
        await another.close();
      }
      expect(removed).toBeGreaterThanOrEqual(ROUNDS);
    });

    test('a reader that goes away does no harm', async () => {
      const bytes = randomBytes(2 * MB);
      const ref = await put(bytes);
      const got = await opened.blobs.get(ref);
      got?.destroy();
      const again = await opened.blobs.get(ref);
      expect(again && (await buffer(again)).equals(bytes)).toBe(true);
    });
  });
}

function inPieces(bytes: Buffer, size: number): Readable {
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
    bytes.subarray(n * size, n * size + size),
  );
  return Readable.from(pieces);
}

function* failAfter(bytes: Buffer): Generator<Buffer> {
  yield bytes;
  throw new Error('The line is dead.');
}
