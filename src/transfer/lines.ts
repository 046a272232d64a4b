/** Parts of a backup: lines of JSON in a gzip file, written and read as streams and hashed on the way. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { Refused } from './refused.js';

/** One file of a backup, as its manifest names it. */
export interface Part {
  name: string;
  kind: 'versions' | 'blobs' | 'vault' | 'heads' | 'audit';
  lines: number;
  bytes: number;
  sha256: string;
}

/** Level 4 takes half the time of the usual one and a tenth more room. */
const LEVEL = 4;

/** Writes the part, durably before it resolves. */
export async function writePart(
  folder: string,
  kind: Part['kind'],
  name: string,
  lines: AsyncIterable<string>,
): Promise<Part> {
  const hash = createHash('sha256');
  let [count, bytes] = [0, 0];
  async function* counted(): AsyncGenerator<string> {
    for await (const line of lines) {
      count += 1;
      yield `${line}\n`;
    }
  }
  const hashed = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  const file = createWriteStream(join(folder, name), { flags: 'wx', mode: 0o600, flush: true });
  await pipeline(Readable.from(counted()), createGzip({ level: LEVEL }), hashed, file);
  return { name, kind, lines: count, bytes, sha256: hash.digest('hex') };
}

/** What the lines of a part say; rejects at its end, at the latest, when it is not what the manifest says. */
export async function* readPart<T>(folder: string, part: Part, parse: (line: string) => T): AsyncGenerator<T> {
  const hash = createHash('sha256');
  let lines = 0;
  const file = createReadStream(join(folder, part.name), { highWaterMark: 256 * 1024 });
  file.on('data', (chunk) => hash.update(chunk));
  const unzipped = createGunzip();
  const piped = pipeline(file, unzipped);
  piped.catch(() => undefined);
  try {
    for await (const line of linesOf(unzipped)) {
      lines += 1;
      yield parse(line);
    }
    await piped;
  } catch (error) {
    throw damaged(part.name, error);
  } finally {
    file.destroy();
    unzipped.destroy();
  }
  if (lines !== part.lines || hash.digest('hex') !== part.sha256) throw damaged(part.name);
}

/** Only at line feeds: JSON escapes them, but not the other characters that some take for the end of a line. */
async function* linesOf(bytes: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let held: Buffer[] = [];
  for await (const chunk of bytes) {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      yield Buffer.concat([...held, chunk.subarray(start, end)]).toString();
      held = [];
      start = end + 1;
    }
    if (start < chunk.length) held.push(chunk.subarray(start));
  }
  if (held.length > 0) yield Buffer.concat(held).toString();
}

export const damaged = (name: string, cause?: unknown): Refused =>
  new Refused(
    `The backup is damaged: ${name} is missing or not what was written. Nothing of it can be trusted; take another backup.`,
    {
      cause,
    },
  );
