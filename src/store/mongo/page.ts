/** Reads a page from a cursor: as many documents as were asked for, or as few as fit. */
import type { AbstractCursor } from 'mongodb';
import type { PageRequest } from '../port.js';
import { rawFields, type RawFields } from './raw.js';

/** The documents of the page, and whether there are more behind it. The cursor must not be limited to fewer. */
export async function readPage(
  cursor: AbstractCursor,
  { size, bytes = Infinity }: PageRequest,
): Promise<{ shown: RawFields[]; more: boolean }> {
  const shown: RawFields[] = [];
  let read = 0;
  try {
    for (;;) {
      const first = (await cursor.next()) as Uint8Array | null;
      if (first === null) return { shown, more: false };
      // What came with it is taken without a promise for each.
      for (const document of [first, ...(cursor.readBufferedDocuments() as Uint8Array[])]) {
        read += document.byteLength;
        if (shown.length === size || (shown.length > 0 && read > bytes)) return { shown, more: true };
        shown.push(rawFields(document));
      }
    }
  } finally {
    await cursor.close();
  }
}

/** The driver's own option for a caller that may go away. */
export const abortable = ({ gone }: PageRequest): { signal?: AbortSignal } =>
  gone === undefined ? {} : { signal: gone() };
