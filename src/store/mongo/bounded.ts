/** The documents of a cursor as bytes, no more of them than memory should hold; one at least where there is one. */
import type { FindCursor } from 'mongodb';
import { limits } from '../../kit/limits.js';

export async function bounded(cursor: FindCursor): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const document of cursor as unknown as AsyncIterable<Uint8Array>) {
      found.push(document);
      bytes += document.byteLength;
      if (bytes > limits.keepingBytes) break;
    }
  } finally {
    await cursor.close();
  }
  return found;
}
