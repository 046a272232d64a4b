/** Hostile requests, made by chance and replayable from a seed: routes, queries, headers, and bodies of all kinds. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';

export interface HostileRequest {
  method: string;
  /** What stands in the request line, query and all. */
  target: string;
  headers: [string, string][];
  body?: Uint8Array;
}

const TYPES = ['Patient', 'Observation', 'QuestionnaireResponse', 'Task', 'Media', 'Basic', 'Binary', 'Questionnaire'];
const IDS = ['a', 'b', 'c', 'd', 'A.b-1', '0'];
const WRONG = [
  ...['', '%', '%zz', '%00', '%ff', '%C0%80', '%2e%2e', '..', '.', '%2F', 'a%2Fb', '__proto__', 'constructor', 'null'],
  ...['$everything', '$', '_x', 'x'.repeat(65), 'é', '%F0%9F%92%A9', "'", '"', '<script>', '{}', '[]', ';', '*', '~'],
  ...['patient', 'Parameters', 'Resource', 'DomainResource', 'undefined', 'toString', '-1', '0x10', '1e400', 'NaN'],
];
const CODES = [
  ...['_id', '_lastUpdated', '_sort', '_count', '_total', '_include', '_revinclude', '_summary', '_elements', '_type'],
  ...['_format', '_pretty', '_cursor', '_tag', '_profile', '_text', '_content', '_filter', '_has', '_list', '_query'],
  ...['_since', '_at', '_contained', '_score', 'name', 'birthdate', 'identifier', 'subject', 'patient', 'code', 'date'],
  ...['status', 'url', 'value-quantity', 'subject:Patient.name', '_has:Observation:patient:code', 'gender', 'focus'],
  ...['subject:Patient', 'name:exact', 'name:contains', 'code:not', 'code:in', 'identifier:of-type', 'url:below'],
  ...['date:missing', 'subject:identifier', '__proto__', 'name[$ne]', '$where', 'a.b.c.d.e', 'constructor', '%ff', ''],
];
const VALUES = [
  ...['', 'x', '1', '0', '-1', '1.10', '1e2', '1e400', '-0', '00', '1.', '.1', '+1', 'NaN', 'Infinity', '0x1F', '９'],
  ...['2024', '2024-02-30', '2024-13', 'ge2024', 'xx2024', 'eq', 'ap2024-01-01T00:00:00Z', '2024-01-01T24:00:00Z'],
  ...[
    '9999-12-31',
    '0000',
    '2024-01-01T00:00:00+99:99',
    '10000-01-01',
    '|',
    'a|',
    '|a',
    'a|b',
    'a|b|c',
    '||',
    '\\',
    '\\,',
  ],
  ...[',', ',,', 'a,b', '$', 'a$b', '5.4|http://unitsofmeasure.org|mg', 'gt5||kg', 'Patient/a', 'Patient/', '/a', '#x'],
  ...['http://x/Patient/a', 'urn:uuid:x', 'urn:oid:1.2', 'Patient/a/_history/1', 'true', 'false', 'accurate', 'none'],
  ...[
    'Patient:general-practitioner',
    '*',
    'Observation:subject:Patient',
    '-_id,name',
    'data',
    'json',
    'xml',
    'text/html',
  ],
  ...['%', '%zz', '%00', '%ff', '%ED%A0%80', '%EF%BB%BF', '%0d%0aX: y', '{"$ne":1}', "' OR 1=1 --", '*)(|', '\u2028'],
  ...['x'.repeat(300), 'x'.repeat(9000), 'a,'.repeat(1200), '(((((((((((', '.*.*.*.*.*', 'é', '%F0%9F%92%A9', '%CC%81'],
];
const MODIFIERS = [
  '',
  '',
  '',
  ':exact',
  ':contains',
  ':missing',
  ':not',
  ':x',
  ':',
  '::',
  ':Patient',
  ':iterate',
  ':above',
];
const HEADERS: [string, string[]][] = [
  [
    'Content-Type',
    [
      ...['application/fhir+json', 'application/json', 'application/fhir+json; charset=utf-8', 'text/plain', 'x', ''],
      ...['application/fhir+xml', 'application/json; charset=utf-16', 'image/jpeg', 'multipart/form-data; boundary=x'],
      ...[
        'application/x-www-form-urlencoded',
        'application/fhir+json; fhirVersion=3.0',
        'a/b/c',
        `a/${'b'.repeat(300)}`,
      ],
      ...['application/json-patch+json', 'text/html; x="', ';;;', '*/*', 'IMAGE/JPEG', 'application/json, text/plain'],
    ],
  ],
  [
    'Accept',
    [
      ...[
        '*/*',
        'application/fhir+json',
        'application/xml',
        'text/html',
        'image/*',
        ',',
        ';q=1',
        '*/*;q=0',
        'json',
        '',
      ],
      ...['application/json;q=x', 'application/json;q=-1', 'application/fhir+json;fhirVersion=9', 'a/b,'.repeat(500)],
    ],
  ],
  [
    'Prefer',
    [
      ...['return=minimal', 'return=representation', 'return=OperationOutcome', 'return=x', 'handling=lenient', '='],
      ...['handling=strict', 'return=minimal; handling=lenient', 'respond-async', ',;,;', 'return', 'return="minimal"'],
    ],
  ],
  ['If-Match', ['W/"1"', '"1"', '1', '*', '', 'W/"', 'W/"999999999999999999999"', 'W/"-1"', 'W/"1", W/"2"', 'W/"é"']],
  ['If-None-Match', ['W/"1"', '*', '"x"', '', 'W/"1"'.repeat(100), ',,,', 'w/"1"']],
  ['If-Modified-Since', ['Sun, 06 Nov 1994 08:49:37 GMT', 'x', '0', '9999999999999', '2024-01-01', '']],
  ['If-None-Exist', ['identifier=x', '', '?', 'x=y&%', '_id=a']],
  ['If-Range', ['W/"1"', '"1"', 'Sun, 06 Nov 1994 08:49:37 GMT', 'x']],
  [
    'Range',
    [
      ...['bytes=0-0', 'bytes=5-1', 'bytes=-1', 'bytes=-', 'bytes=0-0,2-3', 'bytes=99999999-', 'x', 'bytes=a-b', ''],
      ...['bytes=-99999999999999999999', `bytes=${'0-0,'.repeat(500)}1-1`, 'items=0-1', 'bytes=0-18446744073709551616'],
    ],
  ],
  ['X-Security-Context', ['Patient/a', 'x', '', 'é', 'http://x/y', '../..', 'Patient/a b']],
  ['Origin', ['null', 'http://localhost', 'https://evil.example', 'x', '']],
  ['Content-Encoding', ['identity', 'gzip', 'br', '', 'x'.repeat(200)]],
  ['Expect', ['100-continue', 'x']],
  ['Authorization', ['Bearer x', 'Basic eDp5', '']],
  ['Cookie', ['a=b', '=;=']],
  ['X', ['\u0001', '\u007f', 'é', '\u0000', 'x'.repeat(9000), 'a\tb']],
  ['Upgrade', ['websocket', 'h2c']],
  ['X-HTTP-Method-Override', ['DELETE']],
  ['Transfer-Encoding', []],
];

/** The written list: texts that JSON readers disagree about, or that break those that believe too much. */
const number = (text: string) =>
  `{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":${text}}}`;
const text = (inside: string) => `{"resourceType":"Basic","code":{"text":${inside}}}`;
export const JSON_EDGES: readonly (string | Uint8Array)[] = [
  ...[
    '',
    ' ',
    '\ufeff{}',
    'null',
    'true',
    '0',
    '""',
    '[]',
    '{}',
    '[{}]',
    '{',
    '}',
    '[',
    '{"a"',
    '{"a":',
    '{"a":1,}',
    '{,}',
  ],
  ...[
    '{"a":1}{}',
    '{}x',
    '//x\n{}',
    '/**/{}',
    "{'a':1}",
    '{a:1}',
    '{"a":undefined}',
    '{"a":.1}',
    '[1,]',
    'NaN',
    '{"a":1 "b":2}',
  ],
  ...[
    '1.10',
    '0.0',
    '-0',
    '-0.0',
    '1e2',
    '1E+2',
    '1e-2',
    '100000000000000000000',
    '0.1e1',
    '1.0000000000000000000001',
  ].map(number),
  ...[
    '1e308',
    '1e309',
    '-1e400',
    '5e-324',
    '1e-400',
    '01',
    '+1',
    '1.',
    '.5',
    '1e',
    '1e+',
    '0x1',
    '1_000',
    '--1',
    '"1"',
  ].map(number),
  ...[
    'null',
    'true',
    '[]',
    '{}',
    '[1]',
    '9007199254740993',
    `1${'0'.repeat(400)}`,
    `0.${'0'.repeat(400)}1`,
    `1e${'9'.repeat(99)}`,
  ].map(number),
  ...[
    '"\\u0041"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\ud83d\\udca9"',
    '"\\u0000"',
    '"\\x41"',
    '"\\u12"',
    '"\\"',
    '"\t"',
  ].map(text),
  ...[
    '"\\/"',
    '"\u0001"',
    '"\u2028\u2029"',
    '"\u00a0"',
    '"\ufeff"',
    '"\uffff"',
    '" x"',
    '""',
    '" "',
    '"\\n"',
    '"é"',
    '"e\u0301"',
  ].map(text),
  ...[
    '"\u202e"',
    '"\u200b"',
    '"\ud83d\udca9"',
    '"<script>"',
    '"{{x}}"',
    '"$ne"',
    '"\\u2028"',
    `"${'x'.repeat(100_000)}"`,
  ].map(text),
  '{"resourceType":"Basic","resourceType":"Basic","code":{"text":"x"}}',
  '{"resourceType":"Basic","code":{"text":"x","text":"y"}}',
  '{"resourceType":"Basic","code":{"text":"x","\\u0074ext":"y"}}',
  '{"resourceType":"Basic","__proto__":{"code":1}}',
  '{"resourceType":"Basic","code":{"__proto__":{"text":"x"}}}',
  '{"constructor":{"prototype":{"x":1}},"resourceType":"Basic"}',
  '{"resourceType":"Basic","code":{"text":"x"},"toString":1,"valueOf":{},"hasOwnProperty":[]}',
  `{"resourceType":"Basic","${'k'.repeat(50_000)}":1}`,
  `{"resourceType":"Basic","code":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`,
  `{"resourceType":"Basic","code":${'['.repeat(100_000)}`,
  `{"resourceType":"Basic","extension":${'[{"extension":'.repeat(30)}[]${'}]'.repeat(30)}}`,
  `[${'[],'.repeat(50_000)}[]]`,
  `{"resourceType":"Basic"${',"a":1'.repeat(5000)}}`,
  `\n\t\r {"resourceType" : "Basic" ,\r\n "code" : { "text" : "x" } } \n`,
  '{"resourceType":"Basic","code":{"text":"x"},"id":null}',
  '{"resourceType":"Basic","code":{"text":"x"},"_code":{"id":"y"}}',
  '{"resourceType":"Basic","code":{"text":"x"},"meta":{"versionId":"9","lastUpdated":"2000-01-01T00:00:00Z"}}',
  '{"resourceType":"Basic","code":{"text":"x"},"meta":[]}',
  '{"resourceType":"Basic","code":{"text":"x"},"contained":[{"resourceType":"Basic","id":"x","code":{"text":"y"}}]}',
  '{"resourceType":["Basic"],"code":{"text":"x"}}',
  '{"resourceType":"__proto__"}',
  '{"resourceType":"constructor"}',
  '{"resourceType":"Patient","birthDate":"2024-02-29","_birthDate":{"extension":[{"url":"x","valueString":"y"}]}}',
  '{"resourceType":"Patient","name":[{"given":["a",null],"_given":[null,{"id":"x"}]}]}',
  '{"resourceType":"Patient","name":[{"given":[null],"_given":[null]}]}',
  '{"resourceType":"Patient","managingOrganization":{"reference":"Organization/../x"}}',
  '{"resourceType":"Binary","contentType":"text/plain","data":"!!!"}',
  '{"resourceType":"Binary","contentType":"text/plain","data":"aGk="}',
  '{"resourceType":"Binary","contentType":"text/plain\\r\\nX: y","data":"aGk="}',
  ...[
    [0xff],
    [0xc0, 0x80],
    [0xed, 0xa0, 0x80],
    [0xf5, 0x80, 0x80, 0x80],
    [0xfe, 0xff, 0, 0x7b],
    [0x7b, 0x22, 0xe2, 0x82],
  ].map((bytes) => new Uint8Array(bytes)),
];

const data = (name: string): object =>
  JSON.parse(
    readFileSync(new URL(`../data/microsoft-fhir-server/${name}-example.json`, import.meta.url), 'utf8'),
  ) as object;

/** What is mutated: valid resources, one or two of each type that the routes name. */
const SEEDS: readonly object[] = [
  {
    resourceType: 'Patient',
    id: 'a',
    name: [{ family: 'Müller', given: ['Ada'] }],
    birthDate: '1980-05-17',
    active: true,
  },
  {
    resourceType: 'Observation',
    id: 'b',
    status: 'final',
    code: { text: 'x' },
    valueQuantity: { value: 5.4, unit: 'mg' },
  },
  {
    resourceType: 'Basic',
    id: 'c',
    code: { coding: [{ system: 'http://x', code: 'y' }] },
    subject: { reference: 'Patient/a' },
  },
  {
    resourceType: 'Task',
    id: 'd',
    status: 'requested',
    intent: 'order',
    priority: 'routine',
    authoredOn: '2024-01-01T00:00:00Z',
  },
  { resourceType: 'Binary', id: 'a', contentType: 'text/plain', data: 'aGVsbG8=' },
  data('questionnaire'),
  data('questionnaireresponse'),
  data('media'),
];

/** What stands in place of a number, until the text is made: JavaScript would forget how it was written. */
const NUMBER_MARK = /"@number:([^"]*)"/g;
const LEAVES: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    '',
    ' ',
    'x',
    0,
    -1,
    1.5,
    [],
    {},
    [[]],
    [null],
    [{}],
    { resourceType: 'Patient' },
    '\u0000',
    '\ud800',
  ],
  ...['@number:1.10', '@number:-0', '@number:1e2', '@number:1E400', '@number:100000000000000000000', '@number:0.10e-1'],
  ...['2024-02-30', '2024', 'Patient/a', '#a', 'http://x|1', 'urn:uuid:x', 'x'.repeat(5000), 'é', '💩', '<a>', '../..'],
  ...[{ extension: [{ url: 'x' }] }, { extension: [{ url: 'http://x', valueDecimal: '@number:2.00' }] }, { id: 'x' }],
  ...[{ $ne: 1 }, { reference: 'Patient/a', type: 'Patient' }, ['a', 'a'], 1e21, 2 ** 53, 'final', 'http://x\u0001'],
];
const KEYS = [
  'id',
  'meta',
  'extension',
  'modifierExtension',
  '_birthDate',
  'status',
  'x',
  '',
  '$where',
  'a.b',
  '__proto__',
  'text',
];

interface Change {
  pick: number;
  kind: number;
  leaf: unknown;
  key: string;
}
const change: fc.Arbitrary<Change> = fc.record({
  pick: fc.nat(),
  kind: fc.nat(6),
  leaf: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...LEAVES) },
    fc.jsonValue({ maxDepth: 2 }),
    fc.string({ unit: 'binary' }),
  ),
  key: fc.constantFrom(...KEYS),
});

/** A copy with one place changed: another value, none, twice, in a list, under another key, or with one more beside. */
function changed(resource: object, { pick, kind, leaf, key }: Change): object {
  const copy = structuredClone(resource);
  const places: { holder: any; name: string | number }[] = [];
  const walk = (holder: any): void => {
    for (const name of Array.isArray(holder) ? holder.keys() : Object.keys(holder)) {
      places.push({ holder, name });
      if (typeof holder[name] === 'object' && holder[name] !== null) walk(holder[name]);
    }
  };
  walk(copy);
  const place = places[pick % places.length];
  if (place === undefined) return copy;
  const { holder, name } = place;
  const set = (where: any, what: string | number, value: unknown) =>
    Object.defineProperty(where, what, { value, enumerable: true, configurable: true, writable: true });
  if (kind === 0 || kind === 5) set(holder, name, leaf);
  else if (kind === 1) Reflect.deleteProperty(holder, name);
  else if (kind === 2) set(holder, name, [holder[name], holder[name]]);
  else if (kind === 3) set(holder, name, { [key]: holder[name] });
  else if (kind === 4) set(Array.isArray(holder) ? copy : holder, key, leaf);
  else if (Array.isArray(holder)) holder.push(leaf);
  else set(holder, key, holder[name]);
  return copy;
}

const written = (value: unknown): string =>
  JSON.stringify(value, (_key, item: unknown) => (item === undefined ? null : item)).replace(NUMBER_MARK, '$1');

const mutated = fc
  .tuple(fc.constantFrom(...SEEDS), fc.array(change, { maxLength: 3 }))
  .map(([seed, changes]) => changes.reduce(changed, seed));

/** Of the text: cut, with something put in, or with a part of it twice. */
const garbled = fc
  .tuple(
    mutated.map(written),
    fc.nat(),
    fc.nat(3),
    fc.constantFrom('"', '{', '}', ',', ':', '\\', '\u0000', '\ufeff', ' ', '1', 'é'),
  )
  .map(([json, at, kind, piece]) => {
    const place = at % (json.length + 1);
    if (kind === 0) return json.slice(0, place);
    if (kind === 1) return json.slice(0, place) + piece + json.slice(place);
    return kind === 2 ? json.slice(0, place) + json.slice(place + 1) : json.slice(0, place) + json.slice(place >> 1);
  });

const utf8 = new TextEncoder();
const bytes = fc.oneof(
  { weight: 10, arbitrary: mutated.map((resource) => utf8.encode(written(resource))) },
  { weight: 3, arbitrary: garbled.map((json) => utf8.encode(json)) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(...JSON_EDGES).map((edge) => (typeof edge === 'string' ? utf8.encode(edge) : edge)),
  },
  { weight: 1, arbitrary: fc.json({ maxDepth: 4 }).map((json) => utf8.encode(json)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
);

const type = fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...TYPES) }, fc.constantFrom(...WRONG));
const id = fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...IDS) }, fc.constantFrom(...WRONG));
const version = fc.constantFrom('1', '2', '0', '-1', '999999999999999999999', 'x', '', '%00');
const path = fc.oneof(
  { weight: 6, arbitrary: type.map((name) => `/fhir/${name}`) },
  { weight: 10, arbitrary: fc.tuple(type, id).map((parts) => `/fhir/${parts.join('/')}`) },
  { weight: 2, arbitrary: fc.tuple(type, id).map((parts) => `/fhir/${parts.join('/')}/_history`) },
  { weight: 2, arbitrary: fc.tuple(type, id, version).map(([a, b, c]) => `/fhir/${a}/${b}/_history/${c}`) },
  { weight: 2, arbitrary: type.map((name) => `/fhir/${name}/_search`) },
  { weight: 1, arbitrary: type.map((name) => `/fhir/${name}/_history`) },
  { weight: 1, arbitrary: fc.array(fc.oneof(type, id), { maxLength: 7 }).map((parts) => `/fhir/${parts.join('/')}`) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...[
        '/fhir',
        '/fhir/',
        '/fhir//',
        '/fhir/metadata',
        '/fhir/_search',
        '/fhir/_history',
        '/fhir/metadata/',
        '/',
        '*',
      ],
      ...[
        '/healthz',
        '/readyz',
        '/metrics',
        '/fhirx',
        '/FHIR/Patient',
        '/fhir/Patient//a',
        '//fhir/Patient',
        '/%',
        '/fhir/%',
      ],
      ...[
        'http://localhost/fhir/Patient',
        'http://evil.example/fhir/Patient',
        '/fhir/Patient/a#x',
        '/fhir?',
        '/fhir/..',
      ],
    ),
  },
);
const parameter = fc
  .tuple(
    fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...CODES) }, fc.webQueryParameters()),
    fc.constantFrom(...MODIFIERS),
    fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...VALUES) },
      fc.string({ unit: 'binary', maxLength: 20 }).map(encoded),
    ),
    fc.constantFrom('=', '=', '=', '=', '=', '', '=='),
  )
  .map(([name, modifier, value, equals]) => `${name}${modifier}${equals}${value}`);
const query = fc.array(parameter, { maxLength: 4 }).map((all) => all.join('&'));

function encoded(value: string): string {
  return value.isWellFormed() ? encodeURIComponent(value) : '%ED%A0%80';
}

const header: fc.Arbitrary<[string, string]> = fc
  .constantFrom(...HEADERS.filter(([, values]) => values.length > 0))
  .chain(([name, values]) =>
    fc
      .oneof({ weight: 9, arbitrary: fc.constantFrom(...values) }, fc.string({ maxLength: 40 }))
      .map((value) => [name, value]),
  );

const METHODS = [
  'GET',
  'GET',
  'GET',
  'POST',
  'POST',
  'POST',
  'PUT',
  'PUT',
  'PUT',
  'DELETE',
  'HEAD',
  'PATCH',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
];

export const hostileRequest: fc.Arbitrary<HostileRequest> = fc
  .tuple(
    fc.constantFrom(...METHODS),
    fc.boolean(),
    path,
    query,
    fc.array(header, { maxLength: 3 }),
    fc.oneof(
      bytes,
      query.map((form) => utf8.encode(form)),
    ),
    fc.nat(9),
    mutated,
  )
  .map(([method, fitting, where, asked, extra, anyBody, dice, resource]) => {
    const brings = ['POST', 'PUT', 'PATCH'].includes(method) || dice === 0;
    const form = where.endsWith('_search');
    const typed: [string, string][] = brings && dice < 8 ? [['Content-Type', form ? FORM : FHIR]] : [];
    // Half of the writes go where they belong, or hardly any would get past the door.
    if (fitting && (method === 'POST' || method === 'PUT')) {
      const { resourceType = 'Basic', id: own = 'a' } = resource as { resourceType?: unknown; id?: unknown };
      const target = `/fhir/${String(resourceType)}${method === 'PUT' ? `/${String(own)}` : ''}`;
      if (/^[ -~]*$/.test(target) && !/[ ?#%]/.test(target) && target.length < 200)
        return {
          method,
          target,
          headers: [['Content-Type', FHIR], ...extra.filter(([name]) => name === 'Prefer')],
          body: utf8.encode(written(resource)),
        };
    }
    const target = asked === '' ? where : `${where}?${asked}`;
    return {
      method,
      target: requestTarget(target),
      headers: [...typed, ...extra],
      ...(brings ? { body: anyBody } : {}),
    };
  });

const FHIR = 'application/fhir+json';
const FORM = 'application/x-www-form-urlencoded';

/** Spaces and line ends would end the request line: that is another request, and tested elsewhere. */
const requestTarget = (target: string): string => target.replace(/[ \r\n\t]/g, '+');
