/** The promises of `src/blob/port.ts`, as tests that any blob store must pass. */
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { TooManyBytes, type BlobRef, type Blobs } from '../../src/blob/port.js';

export interface OpenedBlobs {
  blobs: Blobs;
  /** How many blobs, finished or not, take room at this moment. */
  stored(): Promise<number>;
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
