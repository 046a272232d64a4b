/** Text in pieces is, put together, what the whole would have been. */
import { bytesOf, lengthOf, textOf } from '../../src/kit/pieces.js';

test.each([
  ['nothing', []],
  ['one text', ['plain']],
  ['one buffer', [Buffer.from('bytes')]],
  ['texts that take one to four bytes a character', ['aé', '€', '😀']],
  ['texts and bytes in turn', ['{"a":', Buffer.from('"é€"'), ',"b":', new Uint8Array([0x22, 0xc3, 0xa9, 0x22]), '}']],
  ['bytes that are a part of others', [Buffer.from('xxherexx').subarray(2, 6), '!']],
])('%s', (_what, pieces) => {
  const whole = Buffer.concat(pieces.map((piece) => Buffer.from(piece)));
  expect(bytesOf(pieces).equals(whole)).toBe(true);
  expect(textOf(pieces)).toBe(whole.toString());
  expect(lengthOf(pieces)).toBe(pieces.reduce((sum, piece) => sum + piece.length, 0));
});
