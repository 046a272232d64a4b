/**
 * A long text on its way out, in pieces: what a store gave as bytes stays bytes, so that no string is made of it, and
 * the whole is put together once, when it is sent.
 */
export type Piece = string | Uint8Array;
export type Pieces = readonly Piece[];

export const textOfPiece = (piece: Piece): string =>
  typeof piece === 'string' ? piece : Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString();

export function textOf(pieces: string | Pieces): string {
  if (typeof pieces === 'string') return pieces;
  let text = '';
  for (const piece of pieces) text += textOfPiece(piece);
  return text;
}

/** As UTF-8, in one copy. */
export function bytesOf(pieces: Pieces): Buffer {
  const [first] = pieces;
  if (pieces.length === 1 && first instanceof Buffer) return first;
  let most = 0;
  for (const piece of pieces) most += mostBytes(piece);
  const bytes = Buffer.allocUnsafe(most);
  let at = 0;
  // Strings that follow each other are written together: each write is a call out of JavaScript.
  let text = '';
  for (const piece of pieces) {
    if (typeof piece === 'string') {
      text += piece;
      continue;
    }
    if (text !== '') at += bytes.write(text, at);
    text = '';
    bytes.set(piece, at);
    at += piece.length;
  }
  if (text !== '') at += bytes.write(text, at);
  return bytes.subarray(0, at);
}

/** No character of a string has more than three bytes. */
const mostBytes = (piece: Piece): number => (typeof piece === 'string' ? piece.length * 3 : piece.length);

/** How long they are together: bytes, and characters of what is a string. */
export function lengthOf(pieces: string | Pieces): number {
  if (typeof pieces === 'string') return pieces.length;
  let length = 0;
  for (const piece of pieces) length += piece.length;
  return length;
}
