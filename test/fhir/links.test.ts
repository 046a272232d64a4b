/** Links stand where R4's types say, and are rewritten there and nowhere else. */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { loadDefinitions } from '../../src/fhir/definitions.js';
import {
  conditionalReferences,
  literalReferences,
  referencesIn,
  rewrite,
  unresolvedReferences,
} from '../../src/fhir/links/index.js';
import { createTargets } from '../../src/fhir/transaction/targets.js';
import type { Resource } from '../../src/fhir/types.js';
import { parseJson, stringify } from '../../src/kit/json.js';
import { cpuOf } from '../support/time.js';

const definitions = loadDefinitions();
const URN = 'urn:uuid:c757873d-ec9a-4326-a141-556f43239520';
const targets = createTargets([{ fullUrl: URN, local: 'Patient/1', version: 1 }]);
const map = targets.mapFor(undefined);
const found = (resource: Resource): string[] => [...referencesIn(resource, definitions)].map(({ path }) => path);

/** Where the urn of the Patient is replaced. */
const changed = (resource: Resource): string[] => {
  const after = JSON.stringify(rewrite(resource, definitions, map));
  const paths = [...referencesIn(resource, definitions)].filter(({ url }) => url === URN).map(({ path }) => path);
  expect(after.split('Patient/1').length - 1).toBe(paths.length);
  return paths;
};

test.each<[string, Resource, string[]]>([
  ['Reference', { resourceType: 'Task', for: { reference: URN } }, ['Task.for.reference']],
  ['Reference in a list', { resourceType: 'Task', basedOn: [{}, { reference: URN }] }, ['Task.basedOn[1].reference']],
  ['uri', { resourceType: 'Task', instantiatesUri: URN }, ['Task.instantiatesUri']],
  [
    'a list of uri',
    { resourceType: 'ServiceRequest', instantiatesUri: ['x', URN] },
    ['ServiceRequest.instantiatesUri[1]'],
  ],
  ['url', { resourceType: 'Media', content: { url: URN } }, ['Media.content.url']],
  ['oid', { resourceType: 'Basic', extension: [{ valueOid: URN }] }, ['Basic.extension[0].value']],
  ['uuid', { resourceType: 'Basic', extension: [{ valueUuid: URN }] }, ['Basic.extension[0].value']],
  ['a choice', { resourceType: 'Task', input: [{ valueUrl: URN }] }, ['Task.input[0].value']],
  [
    'a choice of Reference',
    { resourceType: 'Task', input: [{ valueReference: { reference: URN } }] },
    ['Task.input[0].value.reference'],
  ],
  [
    'an extension',
    { resourceType: 'Basic', extension: [{ valueReference: { reference: URN } }] },
    ['Basic.extension[0].value.reference'],
  ],
  [
    'an extension in an extension',
    { resourceType: 'Basic', extension: [{ extension: [{ valueUri: URN }] }] },
    ['Basic.extension[0].extension[0].value'],
  ],
  [
    'a modifier extension',
    { resourceType: 'Basic', modifierExtension: [{ valueUri: URN }] },
    ['Basic.modifierExtension[0].value'],
  ],
  [
    'the extension of a primitive',
    { resourceType: 'Patient', _birthDate: { extension: [{ valueUri: URN }] } },
    ['Patient.birthDate.extension[0].value'],
  ],
  [
    'the extension of primitives in a list',
    { resourceType: 'Patient', name: [{ _given: [null, { extension: [{ valueUri: URN }] }] }] },
    ['Patient.name[0].given[1].extension[0].value'],
  ],
  [
    'the extension of a canonical',
    { resourceType: 'Task', _instantiatesCanonical: { extension: [{ valueUri: URN }] } },
    ['Task.instantiatesCanonical.extension[0].value'],
  ],
  [
    'a contained resource',
    { resourceType: 'Task', contained: [{ resourceType: 'List', entry: [{ item: { reference: URN } }] }] },
    ['Task.contained[0].entry[0].item.reference'],
  ],
  [
    'nested items',
    {
      resourceType: 'QuestionnaireResponse',
      item: [{ item: [{ answer: [{ item: [{ answer: [{ valueReference: { reference: URN } }] }] }] }] }],
    },
    ['QuestionnaireResponse.item[0].item[0].answer[0].item[0].answer[0].value.reference'],
  ],
  [
    'parameters',
    {
      resourceType: 'Parameters',
      parameter: [
        {
          part: [
            { valueReference: { reference: URN } },
            { resource: { resourceType: 'Task', for: { reference: URN } } },
          ],
        },
      ],
    },
    ['Parameters.parameter[0].part[0].value.reference', 'Parameters.parameter[0].part[1].resource.for.reference'],
  ],
  ['meta', { resourceType: 'Patient', meta: { source: URN } }, ['Patient.meta.source']],
  [
    'an identifier of who assigned it',
    { resourceType: 'Patient', identifier: [{ system: URN, value: URN, assigner: { reference: URN } }] },
    ['Patient.identifier[0].system', 'Patient.identifier[0].assigner.reference'],
  ],
])('a link in %s', (_name, resource, paths) => {
  expect(changed(resource)).toEqual(paths);
});

test.each<[string, Resource]>([
  ['a canonical', { resourceType: 'QuestionnaireResponse', questionnaire: URN }],
  ['a list of canonicals', { resourceType: 'Patient', meta: { profile: [URN] } }],
  ['a canonical in an extension', { resourceType: 'Basic', extension: [{ valueCanonical: URN }] }],
  ['a string', { resourceType: 'Task', description: URN, input: [{ valueString: URN }] }],
  ['the display of a Reference', { resourceType: 'Task', for: { display: URN } }],
  ['an id', { resourceType: 'Basic', extension: [{ valueId: URN }], id: URN }],
  ['an element that R4 does not have', { resourceType: 'Task', reference: URN, valueUri: URN }],
  ['a type that R4 does not have', { resourceType: 'Tsk', for: { reference: URN } }],
  [
    'the entries of a Bundle that is stored',
    { resourceType: 'Bundle', entry: [{ fullUrl: URN, resource: { resourceType: 'Task', for: { reference: URN } } }] },
  ],
  [
    'what is no object',
    {
      resourceType: 'Task',
      for: URN,
      basedOn: [[{ reference: URN }]],
      focus: { reference: { reference: URN } },
      contained: [null, 1],
    },
  ],
])('no link in %s', (_name, resource) => {
  expect(rewrite(resource, definitions, map)).toBe(resource);
});

test('a link among numbers keeps their digits, and what has none is the same object', () => {
  const text =
    '{"resourceType":"Observation","valueQuantity":{"value":1.10,"system":"SYSTEM"},"component":[{"valueQuantity":{"value":2.0}},{"valueSampledData":{"factor":3.50},"extension":[{"valueUri":"URN"},{"valueDecimal":4.00}]}],"subject":{"reference":"URN"}}';
  const before = parseJson(text.replaceAll('URN', URN), 64) as Resource & Record<string, any>;
  const after = rewrite(before, definitions, map) as Resource & Record<string, any>;
  expect(stringify(after)).toBe(text.replaceAll('URN', 'Patient/1'));
  expect(stringify(before)).toBe(text.replaceAll('URN', URN));
  expect(after.valueQuantity).toBe(before.valueQuantity);
  expect(after.component[0]).toBe(before.component[0]);
  expect(after.component[1].valueSampledData).toBe(before.component[1].valueSampledData);
});

test('a property called __proto__ stays what it is', () => {
  const text = `{"resourceType":"Task","for":{"__proto__":{"reference":"x"},"reference":"${URN}"}}`;
  const after = rewrite(parseJson(text, 64) as Resource, definitions, map);
  expect(stringify(after)).toBe(text.replace(URN, 'Patient/1'));
});

const narrative = (div: string): Resource => ({ resourceType: 'Basic', text: { status: 'generated', div } });

test.each([
  [`<div><a href="${URN}">x</a></div>`, '<div><a href="Patient/1">x</a></div>'],
  [`<div><img alt='a' src='${URN}'/></div>`, `<div><img alt='a' src='Patient/1'/></div>`],
  [
    `<div>\n<a\n href = "${URN}"\tclass="b"/><img src="${URN}"/></div>`,
    '<div>\n<a\n href = "Patient/1"\tclass="b"/><img src="Patient/1"/></div>',
  ],
  [`<div><a title="a > b" href="${URN}"/></div>`, '<div><a title="a > b" href="Patient/1"/></div>'],
  [`<div><a href="urn&#58;uuid&#x3A;${URN.slice(9)}"/></div>`, '<div><a href="Patient/1"/></div>'],
  [`<div><a href="${URN}#part"/></div>`, '<div><a href="Patient/1#part"/></div>'],
])('a narrative link: %s', (div, expected) => {
  expect(rewrite(narrative(div), definitions, map).text).toEqual({ status: 'generated', div: expected });
});

test.each([
  [`<div>${URN} href="${URN}"</div>`],
  [`<div><a title="${URN}" data-href="${URN}" xhref="${URN}" hrefs="${URN}">x</a></div>`],
  [`<div><!-- <a href="${URN}"> --><a href="#x"/></div>`],
  [`<div><![CDATA[<a href="${URN}">]]><?x <a href="${URN}"?></div>`],
  [`<div><a title=" href='${URN}' "/></div>`],
  [`<div><a href=${URN}>x</a><a href="${URN}`],
  [`<div><a href="x${URN}"/><a href="${URN}x"/></div>`],
  ['<div><a href="a&amp;b"/></div>'],
])('no narrative link: %s', (div) => {
  const resource = narrative(div);
  expect(rewrite(resource, definitions, map)).toBe(resource);
});

test('what is put into a narrative is escaped, and what is read from it is not', () => {
  const resource = narrative(`<div><a href='http://a/?x=1&amp;y=&quot;2'/></div>`);
  expect([...referencesIn(resource, definitions)]).toEqual([
    { kind: 'narrative', path: 'Basic.text.div', url: 'http://a/?x=1&y="2' },
  ]);
  const after = rewrite(resource, definitions, () => `<"'&>`);
  expect(after).toEqual(narrative(`<div><a href='&lt;&quot;&#39;&amp;&gt;'/></div>`));
});

test.each([['<a '], ['<a href'], ['<a href='], ['<a href="'], ['<!--'], [' href= '], ['&#'], [' =']])(
  'a narrative of many %s takes no time',
  async (part) => {
    const resource = narrative(`<div><a href="x" ${part.repeat(200_000)}`);
    expect(await cpuOf(() => found(resource))).toBeLessThan(1000);
  },
);

const FOLDER = new URL('../data/microsoft-fhir-server/', import.meta.url);

test('in R4 examples every Reference is found, and every link under its path', () => {
  let count = 0;
  for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.json'))) {
    const resource = JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8').replace(/^\ufeff/, ''));
    if (!definitions.types.has(resource.resourceType) || resource.resourceType === 'Bundle') continue;
    const links = [...referencesIn(resource, definitions)];
    const named = links.filter(({ path }) => path.endsWith('.reference')).map(({ url }) => url);
    const expected = stringsNamed('reference', resource);
    expect({ name, named: named.sort() }).toEqual({ name, named: expected.sort() });
    count += expected.length;
  }
  expect(count).toBeGreaterThan(200);
});

function stringsNamed(wanted: string, value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === wanted && typeof inner === 'string' ? [inner] : stringsNamed(wanted, inner),
  );
}

describe('a Bundle', () => {
  const bundle = createTargets([
    { fullUrl: 'http://a/fhir/Patient/1', local: 'Patient/new', version: 1 },
    { fullUrl: 'http://a/fhir/Task/2', local: 'Task/2', version: 7 },
    { fullUrl: 'urn:oid:1.2.3', local: 'Media/4', version: 1 },
    { fullUrl: 'http://b/fhir/Patient/1', local: 'Patient/other', version: 1 },
    {
      fullUrl: 'http://b/CodeSystem/c',
      local: 'CodeSystem/5',
      version: 1,
      resource: { resourceType: 'CodeSystem', url: 'http://b/CodeSystem/c' },
    },
  ]);

  test.each([
    ['http://a/fhir/Patient/1', 'Patient/new'],
    ['Patient/1', 'Patient/new'],
    ['Patient/1/_history/3', 'Patient/new/_history/1'],
    ['http://a/fhir/Task/2/_history/1', 'Task/2/_history/7'],
    ['Task/2', 'Task/2'],
    ['urn:oid:1.2.3', 'Media/4'],
    ['urn:oid:1.2.3#x', 'Media/4#x'],
    ['http://b/fhir/Patient/1', 'Patient/other'],
    ['http://b/CodeSystem/c', 'CodeSystem/5'],
    ['Patient/2', undefined],
    ['#1', undefined],
    ['#', undefined],
    ['http://a/fhir/Patient/12', undefined],
    ['urn:oid:1.2', undefined],
    ['http://c/fhir/Patient/1', undefined],
    ['Patient?identifier=1', undefined],
    ['/_history/1', undefined],
    ['', undefined],
  ])('the reference %s becomes %s in an entry of the same root', (url, expected) => {
    expect(bundle.mapFor('http://a/fhir/Task/2')(url, 'reference')).toBe(expected);
  });

  test.each([['urn:uuid:1'], [undefined], ['http://c/fhir/Task/2'], ['http://a/fhir']])(
    'a relative reference means nothing of the Bundle in an entry whose fullUrl is %s',
    (fullUrl) => {
      expect(bundle.mapFor(fullUrl)('Patient/1', 'reference')).toBeUndefined();
      expect(bundle.mapFor(fullUrl)('http://a/fhir/Patient/1', 'reference')).toBe('Patient/new');
    },
  );

  test('a canonical URL that is a fullUrl too stays a name', () => {
    const link = bundle.mapFor(undefined);
    const resource: Resource = {
      resourceType: 'Observation',
      text: { status: 'generated', div: '<div><a href="http://b/CodeSystem/c"/></div>' },
      code: { coding: [{ system: 'http://b/CodeSystem/c' }] },
      focus: [{ reference: 'http://b/CodeSystem/c' }],
    };
    expect(rewrite(resource, definitions, link)).toEqual({
      ...resource,
      text: { status: 'generated', div: '<div><a href="CodeSystem/5"/></div>' },
      focus: [{ reference: 'CodeSystem/5' }],
    });
  });

  test('forward, backward and cyclic references are one and the same', () => {
    const entries = ['urn:uuid:a', 'urn:uuid:b', 'urn:uuid:c'].map((fullUrl, at, all) => ({
      fullUrl,
      local: `Task/${at}`,
      version: 1,
      resource: { resourceType: 'Task', partOf: all.map((reference) => ({ reference })) },
    }));
    const cyclic = createTargets(entries);
    for (const { fullUrl, resource } of entries) {
      const { partOf } = rewrite(resource, definitions, cyclic.mapFor(fullUrl));
      expect(partOf).toEqual([{ reference: 'Task/0' }, { reference: 'Task/1' }, { reference: 'Task/2' }]);
    }
  });

  test('a Synthea history is rewritten whole', () => {
    const folder = new URL('../data/synthea/', import.meta.url);
    const [name = ''] = readdirSync(folder).filter((file) => file.startsWith('Ned_Hintz'));
    const { entry } = parseJson(readFileSync(new URL(name, folder)), 64) as any;
    const history = createTargets(
      entry.map(({ fullUrl, resource }: any, at: number) => ({
        fullUrl,
        resource,
        local: `${resource.resourceType}/n${at}`,
        version: 1,
      })),
    );
    let references = 0;
    for (const { fullUrl, resource } of entry) {
      const link = history.mapFor(fullUrl);
      const after = rewrite(resource, definitions, link);
      const left = stringsNamed('reference', after).filter((url) => url.startsWith('urn:'));
      expect(left.sort()).toEqual(
        unresolvedReferences(resource, definitions, link)
          .map(({ url }) => url)
          .sort(),
      );
      references += stringsNamed('reference', after).filter((url) => /^[A-Z][a-zA-Z]+\/n\d+$/.test(url)).length;
    }
    expect(references).toBeGreaterThan(100);
  });
});

test('references to resources of this server are told with their place; others are not this server to know', () => {
  const resource: Resource = {
    resourceType: 'Task',
    contained: [{ resourceType: 'Basic', id: 'b', subject: { reference: 'Patient/1' } }],
    for: { reference: 'Patient/1/_history/2' },
    focus: { reference: 'http://localhost:3000/fhir/ServiceRequest/2' },
    owner: { reference: '#b' },
    requester: { reference: URN },
    encounter: { reference: 'http://example.org/fhir/Encounter/1' },
    basedOn: [{ identifier: { value: '1' } }, { reference: 'Patient?identifier=1' }, { display: 'x' }],
    instantiatesUri: 'Patient/9',
    text: { status: 'generated', div: '<div><a href="Patient/8"/></div>' },
    input: [{ valueReference: { reference: 'Media/3' } }],
  };
  expect(literalReferences(resource, definitions, 'http://localhost:3000/fhir')).toEqual([
    { type: 'Patient', id: '1', path: 'Task.contained[0].subject.reference' },
    { type: 'Patient', id: '1', version: '2', path: 'Task.for.reference' },
    { type: 'ServiceRequest', id: '2', path: 'Task.focus.reference' },
    { type: 'Media', id: '3', path: 'Task.input[0].value.reference' },
  ]);
  expect(conditionalReferences(resource, definitions)).toEqual([
    { url: 'Patient?identifier=1', type: 'Patient', query: 'identifier=1', path: 'Task.basedOn[1].reference' },
  ]);
});

test('a urn that no entry explains is unresolved where it is a Reference', () => {
  const resource: Resource = {
    resourceType: 'Task',
    for: { reference: URN },
    focus: { reference: 'urn:uuid:2' },
    owner: { reference: 'urn:oid:1.2' },
    requester: { reference: 'urn:other:2' },
    identifier: [{ system: 'urn:oid:3', value: 'urn:uuid:4' }],
  };
  expect(unresolvedReferences(resource, definitions, map)).toEqual([
    { url: 'urn:uuid:2', kind: 'reference', path: 'Task.focus.reference' },
    { url: 'urn:oid:1.2', kind: 'reference', path: 'Task.owner.reference' },
  ]);
});

test('whatever a resource holds, the walk leaves all but links as it was', () => {
  const names =
    'for reference extension valueUri valueReference contained resourceType input text div _status meta item'.split(
      ' ',
    );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom(URN, 'Task', '<div><a href="x"/></div>', '', '#1'),
      fc.constantFrom(0, true, null),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), value), (some) => {
      const resource = { ...some, resourceType: 'Task' };
      const after = rewrite(resource, definitions, map);
      expect(JSON.stringify(after).replaceAll('Patient/1', URN)).toBe(JSON.stringify(resource));
      expect(after === resource).toBe(!JSON.stringify(after).includes('Patient/1'));
    }),
    { numRuns: 2000 },
  );
});
