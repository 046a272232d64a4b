/** Parts of a Binary's bytes, by the sections of RFC 9110 that say how. */
import { ask, describeServer } from '../support/server.js';
import { rangesOf } from '../../src/http/fhir/ranges.js';
import { FhirError } from '../../src/fhir/outcome.js';
import { cpuOf, quickest } from '../support/time.js';

test.each([
  ['bytes=0-0', [[0, 0]]],
  ['bytes=0-499', [[0, 499]]],
  ['BYTES=500-999', [[500, 999]]],
  ['bytes=9500-', [[9500, 9999]]],
  ['bytes=-500', [[9500, 9999]]],
  ['bytes=-20000', [[0, 9999]]],
  ['bytes=0-99999999999999999999999', [[0, 9999]]],
  [
    'bytes=0-0,-1',
    [
      [0, 0],
      [9999, 9999],
    ],
  ],
  ['bytes= 500-600 ,, 601-999', [[500, 999]]],
  ['bytes=500-700,601-999', [[500, 999]]],
  [
    'bytes=700-800,0-10,100-699',
    [
      [100, 800],
      [0, 10],
    ],
  ],
  [
    'bytes=0-10,20-30,5-25,100-110',
    [
      [0, 30],
      [100, 110],
    ],
  ],
  ['bytes=10000-,5-6', [[5, 6]]],
  ['items=0-5', undefined],
  ['nonsense', undefined],
])('14.1.2, 14.2: of 10,000 bytes "%s" means %j', (header, expected) => {
  const found = rangesOf(header, 10_000);
  expect(found).toEqual(expected?.map(([start, end]) => ({ start, end })));
});

test.each([
  'bytes=',
  'bytes=5',
  'bytes=a-b',
  'bytes=5-4',
  'bytes=-',
  'bytes=--5',
  'bytes=0-1;2-3',
  'bytes=10000-',
  'bytes=-0',
])('15.5.17: "%s" cannot be met', (header) => {
  expect(() => rangesOf(header, 10_000)).toThrow(FhirError);
});

test('14.2: many small ranges, or a very long header, are refused at once', async () => {
  const took = await quickest(50, () =>
    cpuOf(() => {
      expect(() => rangesOf(`bytes=${'0-0,'.repeat(9)}`, 100)).toThrow(/limit ranges/);
      expect(() => rangesOf(`bytes=${'9'.repeat(16_000)}-`, 100)).toThrow(/outside/);
      expect(() => rangesOf(`bytes=${' '.repeat(16_000)}x`, 100)).toThrow(/not a range/);
    }),
  );
  expect(took).toBeLessThan(50);
});

test('of no bytes at all the last ones are all of them', () => {
  expect(rangesOf('bytes=-5', 0)).toBeUndefined();
  expect(() => rangesOf('bytes=0-', 0)).toThrow(FhirError);
});

describeServer('Ranges', (server) => {
  const SIZE = 2_500_000;
  const bytes = Buffer.alloc(SIZE, 'abcdefghijk0123456789\n');
  let url: string;
  beforeAll(async () => {
    const { body } = await ask(`${server.base}/Binary`, { headers: { 'Content-Type': 'text/csv' }, body: bytes });
    url = `${server.base}/Binary/${body.id}`;
  });

  async function get(headers: Record<string, string>, { method = 'GET', at = url } = {}) {
    const response = await fetch(at, { method, headers });
    return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) };
  }

  test('14.3: a read says that parts may be asked for, and by what they are known', async () => {
    for (const method of ['GET', 'HEAD']) {
      const { status, headers } = await get({}, { method });
      expect([status, headers.get('accept-ranges'), headers.get('etag')]).toEqual([200, 'bytes', '"1"']);
    }
  });

  test.each([
    ['bytes=0-0', 0, 0],
    ['bytes=1000000-1100000', 1_000_000, 1_100_000],
    ['bytes=-10', SIZE - 10, SIZE - 1],
    ['bytes=1048575-1048576,1048577-2097152', 1_048_575, 2_097_152],
    ['bytes=0-', 0, SIZE - 1],
  ])('15.3.7.1: %s is one part', async (Range, start, end) => {
    for (const at of [url, `${url}/_history/1`]) {
      const { status, headers, body } = await get({ Range }, { at });
      expect([status, headers.get('content-range')]).toEqual([206, `bytes ${start}-${end}/${SIZE}`]);
      expect([headers.get('content-length'), headers.get('content-type')]).toEqual([
        String(end - start + 1),
        'text/csv',
      ]);
      expect([headers.get('etag'), headers.get('vary')]).toEqual(['"1"', 'Accept']);
      expect(headers.get('content-disposition')).toBe('attachment');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(body.equals(bytes.subarray(start, end + 1))).toBe(true);
    }
  });

  test('15.3.7.2: several are multipart/byteranges', async () => {
    const { status, headers, body } = await get({ Range: 'bytes=0-4,2000000-2000009,-3' });
    const boundary = /^multipart\/byteranges; boundary=(.+)$/.exec(headers.get('content-type') ?? '')?.[1];
    expect([status, headers.get('content-range'), headers.get('content-length')]).toEqual([
      206,
      null,
      String(body.length),
    ]);
    const part = (start: number, end: number) =>
      `\r\n--${boundary}\r\nContent-Type: text/csv\r\nContent-Range: bytes ${start}-${end}/${SIZE}\r\n\r\n` +
      bytes.subarray(start, end + 1).toString();
    const expected = `${part(0, 4)}${part(2_000_000, 2_000_009)}${part(SIZE - 3, SIZE - 1)}\r\n--${boundary}--\r\n`;
    expect(body.toString()).toBe(expected);
  });

  test.each(['bytes=2500000-', 'bytes=-0', 'bytes=9-1', 'bytes=x', `bytes=${'0-1,'.repeat(20)}`])(
    '15.5.17: %s is 416 and says how many bytes there are',
    async (Range) => {
      const { status, headers, body } = await get({ Range });
      expect([status, headers.get('content-range')]).toEqual([416, `bytes */${SIZE}`]);
      expect(JSON.parse(body.toString())).toMatchObject({
        resourceType: 'OperationOutcome',
        issue: [{ code: 'value' }],
      });
    },
  );

  test.each([
    ['a unit that is not known', { Range: 'lines=1-2' }, 'GET', 200],
    ['HEAD', { Range: 'bytes=0-1' }, 'HEAD', 200],
    ['the JSON form', { Range: 'bytes=0-1', Accept: 'application/fhir+json' }, 'GET', 200],
    ['the strong ETag in If-Range', { Range: 'bytes=0-1', 'If-Range': '"1"' }, 'GET', 206],
    ['the weak one', { Range: 'bytes=0-1', 'If-Range': 'W/"1"' }, 'GET', 200],
    ['that of another version', { Range: 'bytes=0-1', 'If-Range': '"2"' }, 'GET', 200],
    ['an old date in If-Range', { Range: 'bytes=0-1', 'If-Range': 'Sat, 01 Jan 2000 00:00:00 GMT' }, 'GET', 200],
    ['nonsense in If-Range', { Range: 'bytes=0-1', 'If-Range': 'x' }, 'GET', 200],
    ['If-Range that fails, before a range that could not be met', { Range: 'bytes=x', 'If-Range': '"2"' }, 'GET', 200],
    ['an ETag that the client has, before the range', { Range: 'bytes=x', 'If-None-Match': '"1"' }, 'GET', 304],
  ])('13.1.5, 13.2.2, 14.2: %s', async (_name, headers: Record<string, string>, method, status) => {
    const answer = await get(headers, { method });
    expect(answer.status).toBe(status);
    if (status === 304) expect([answer.headers.get('etag'), answer.headers.get('vary')]).toEqual(['"1"', 'Accept']);
    if (status === 206) expect(answer.body.toString()).toBe('ab');
  });

  test('13.1.5: a date holds only when nothing else can be of its second', async () => {
    const date = (await get({})).headers.get('last-modified') ?? '';
    expect((await get({ Range: 'bytes=0-1', 'If-Range': date })).status).toBe(206);
    const { body } = await ask(`${server.base}/Binary`, { headers: { 'Content-Type': 'text/csv' }, body: 'first' });
    const own = `${server.base}/Binary/${body.id}`;
    const again = await ask(own, { method: 'PUT', headers: { 'Content-Type': 'text/csv' }, body: 'second' });
    const second = { Range: 'bytes=0-1', 'If-Range': again.headers.get('last-modified') ?? '' };
    expect((await get(second, { at: own })).status).toBe(200);
    expect((await get(second, { at: `${own}/_history/2` })).status).toBe(206);
  });
});
