/** Reads a page from a cursor: as many documents as were asked for, or as few as fit. */
import type { AbstractCursor } from 'mongodb';
import type { Half } from '../merge.js';
import type { PageRequest } from '../port.js';
import { rawFields, type RawFields } from './raw.js';

/** The documents of the page, and whether there are more behind it. The cursor must not be limited to fewer. */
export async function readPage(
  cursor: AbstractCursor,
  { size, bytes = Infinity }: PageRequest,
): Promise<Half<RawFields>> {
  const rows: RawFields[] = [];
  let read = 0;
  try {
    for (;;) {
      const first = (await cursor.next()) as Uint8Array | null;
      if (first === null) return { rows, more: false };
      // What came with it is taken without a promise for each.
      for (const document of [first, ...(cursor.readBufferedDocuments() as Uint8Array[])]) {
        read += document.byteLength;
        if (rows.length === size || (rows.length > 0 && read > bytes)) return { rows, more: true };
        rows.push(rawFields(document));
      }
    }
  } finally {
    await cursor.close();
  }
}

/** The driver's own option for a caller that may go away. */
export const abortable = ({ gone }: Pick<PageRequest, 'gone'>): { signal?: AbortSignal } =>
  gone === undefined ? {} : { signal: gone() };

/** About what a document adds to a page: all but its text is small. */
export const sizeOf = ({ text }: RawFields): number => (text instanceof Uint8Array ? text.byteLength : 0);
