/** Texts are put in order as SQLite and MongoDB do it: by code point, which is how UTF-8 bytes sort. */
import fc from 'fast-check';
import { compare } from '../../src/search/plan.js';

test('any two texts compare as their UTF-8 bytes do', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({
      unit: fc.constantFrom('a', 'z', '\u{7ff}', '\u{d7ff}', '\u{e000}', '\u{ffff}', '\u{10000}', '\u{10ffff}'),
    }),
  );
  fc.assert(
    fc.property(texts, texts, texts, (start, one, other) => {
      const [a, b] = [start + one, start + other];
      expect(compare(a, b)).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
    { numRuns: 2000 },
  );
});
