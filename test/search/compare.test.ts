/** Texts are put in order as SQLite and MongoDB do it: by code point, which is how UTF-8 bytes sort. And what has an order. */
import fc from 'fast-check';
import { compare, sortKeys } from '../../src/search/plan.js';

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

test('what is joined of several values is no key to sort by, nor is what no query can name', () => {
  const text = (param: string, value: string) => ({ param, value, detail: '' });
  const range = (param: string, value: string) => ({ param, value, low: 1, high: 2 });
  const entries = [
    text('code', 'b'),
    text('code', 'a'),
    text('code-value', 'a\u001eb'),
    text('code:text', 'A'),
    range('date', ''),
    range('code-date', 'a\u001e'),
    range('size', 'kg'),
  ];
  expect([...sortKeys(entries)]).toEqual([
    ['code', { first: 'a', last: 'b' }],
    ['date', { first: 1, last: 2 }],
  ]);
});
