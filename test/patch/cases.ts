/** FHIRPath Patch by rows: R4's rules (fhirpatch.html), and what its test cases settle beyond them. */

/** One operation, part by part; `value` is the rest of the part that is named so. */
export interface Row {
  type: string;
  path: string;
  name?: string;
  value?: object;
  index?: number;
  source?: number;
  destination?: number;
}

export type Case = [title: string, before: object, operations: Row[], after: object | RegExp];

const ids = (...values: string[]): object[] => values.map((value) => ({ system: 'http://example.org', value }));
const patient = (elements: object = {}): object => ({ resourceType: 'Patient', ...elements });
const observation = (elements: object = {}): object => ({
  resourceType: 'Observation',
  status: 'final',
  code: { text: 'x' },
  ...elements,
});
const four = patient({ identifier: ids('1', '2', '3', '4') });
const spoken = { url: 'http://example.org/spoken', valueBoolean: true };

/** What R4's own test cases are about, in our words. */
export const standard: Case[] = [
  ['no operation changes nothing', patient({ birthDate: '1920-01-01' }), [], patient({ birthDate: '1920-01-01' })],
  [
    'a primitive is replaced',
    patient({ birthDate: '1920-01-01' }),
    [{ type: 'replace', path: 'Patient.birthDate', value: { valueDate: '1930-01-01' } }],
    patient({ birthDate: '1930-01-01' }),
  ],
  [
    'a primitive is deleted',
    patient({ birthDate: '1920-01-01' }),
    [{ type: 'delete', path: 'Patient.birthDate' }],
    patient(),
  ],
  [
    'a primitive is added',
    patient(),
    [{ type: 'add', path: 'Patient', name: 'birthDate', value: { valueDate: '1930-01-01' } }],
    patient({ birthDate: '1930-01-01' }),
  ],
  [
    'a primitive further down is replaced',
    patient({ contact: [{ name: { text: 'a name' }, gender: 'male' }] }),
    [{ type: 'replace', path: 'Patient.contact[0].gender', value: { valueCode: 'female' } }],
    patient({ contact: [{ name: { text: 'a name' }, gender: 'female' }] }),
  ],
  [
    'what a delete empties goes too',
    patient({ contact: [{ name: { text: 'a name' }, gender: 'male' }] }),
    [{ type: 'delete', path: 'Patient.contact[0].name.text' }],
    patient({ contact: [{ gender: 'male' }] }),
  ],
  [
    'and everything above it',
    patient({ contact: [{ name: { text: 'a name' } }], active: true }),
    [{ type: 'delete', path: 'Patient.contact[0].name.text' }],
    patient({ active: true }),
  ],
  [
    'a primitive further down is added',
    patient({ contact: [{ name: { text: 'a name' } }] }),
    [{ type: 'add', path: 'Patient.contact[0]', name: 'gender', value: { valueCode: 'male' } }],
    patient({ contact: [{ name: { text: 'a name' }, gender: 'male' }] }),
  ],
  [
    'a complex value is added',
    patient(),
    [{ type: 'add', path: 'Patient', name: 'maritalStatus', value: { valueCodeableConcept: { text: 'married' } } }],
    patient({ maritalStatus: { text: 'married' } }),
  ],
  [
    'a complex value is replaced with its id',
    patient({ maritalStatus: { id: '1', text: 'married' } }),
    [{ type: 'replace', path: 'Patient.maritalStatus', value: { valueCodeableConcept: { id: '2', text: 'single' } } }],
    patient({ maritalStatus: { id: '2', text: 'single' } }),
  ],
  [
    'an anonymous type comes in parts',
    patient(),
    [
      {
        type: 'add',
        path: 'Patient',
        name: 'contact',
        value: { part: [{ name: 'name', valueHumanName: { text: 'a name' } }] },
      },
    ],
    patient({ contact: [{ name: { text: 'a name' } }] }),
  ],
  [
    'two elements of a list are changed',
    patient({ identifier: ids('1', '2') }),
    [
      { type: 'replace', path: 'Patient.identifier[0].value', value: { valueString: '2' } },
      { type: 'replace', path: 'Patient.identifier[1].value', value: { valueString: '1' } },
    ],
    patient({ identifier: ids('2', '1') }),
  ],
  ...[0, 1, 2].map((index): Case => {
    const values = ['1', '2'];
    values.splice(index, 0, '3');
    return [
      `an insert at ${index}`,
      patient({ identifier: ids('1', '2') }),
      [{ type: 'insert', path: 'Patient.identifier', index, value: { valueIdentifier: ids('3')[0] } }],
      patient({ identifier: ids(...values) }),
    ];
  }),
  ...[0, 1, 2].map((index): Case => {
    const values = ['1', '2', '3'];
    values.splice(index, 1);
    return [
      `element ${index} is deleted from a list`,
      patient({ identifier: ids('1', '2', '3') }),
      [{ type: 'delete', path: `Patient.identifier[${index}]` }],
      patient({ identifier: ids(...values) }),
    ];
  }),
  ...(
    [
      [3, 1, '1 4 2 3'],
      [3, 0, '4 1 2 3'],
      [3, 2, '1 2 4 3'],
      [0, 3, '2 3 4 1'],
      [2, 2, '1 2 3 4'],
    ] as const
  ).map(([source, destination, order]): Case => [
    `element ${source} is moved to ${destination}`,
    four,
    [{ type: 'move', path: 'Patient.identifier', source, destination }],
    patient({ identifier: ids(...order.split(' ')) }),
  ]),
  [
    'each move sees the one before',
    four,
    [
      { type: 'move', path: 'Patient.identifier', source: 3, destination: 0 },
      { type: 'move', path: 'Patient.identifier', source: 3, destination: 1 },
      { type: 'move', path: 'Patient.identifier', source: 3, destination: 2 },
    ],
    patient({ identifier: ids('4', '3', '2', '1') }),
  ],
  [
    'adding to what is not there is an error',
    patient({ identifier: [{ use: 'official', value: '123' }] }),
    [
      {
        type: 'add',
        path: "Patient.identifier.where(use = 'official').period",
        name: 'end',
        value: { valueDate: '2021-12-01' },
      },
    ],
    /period" leads to nothing/,
  ],
  [
    'the first element of a list is added',
    patient(),
    [{ type: 'add', path: 'Patient', name: 'identifier', value: { valueIdentifier: ids('3')[0] } }],
    patient({ identifier: ids('3') }),
  ],
  [
    'a narrative is replaced, and its div needs no quotes',
    patient({ text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">a</div>' } }),
    [
      {
        type: 'replace',
        path: 'Patient.text.div',
        value: { valueString: '<div xmlns="http://www.w3.org/1999/xhtml">b</div>' },
      },
    ],
    patient({ text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">b</div>' } }),
  ],
];

export const choices: Case[] = [
  [
    'a choice is added under the name of its type',
    observation(),
    [{ type: 'add', path: 'Observation', name: 'value', value: { valueQuantity: { value: 1, unit: 'g' } } }],
    observation({ valueQuantity: { value: 1, unit: 'g' } }),
  ],
  [
    'replacing it may change its type',
    observation({ valueString: 'a', _valueString: { extension: [spoken] } }),
    [{ type: 'replace', path: 'Observation.value', value: { valueInteger: 3 } }],
    observation({ valueInteger: 3 }),
  ],
  [
    'one of another type is already there',
    observation({ valueString: 'a' }),
    [{ type: 'add', path: 'Observation', name: 'value', value: { valueInteger: 3 } }],
    /Observation.value is there already/,
  ],
  [
    'it is deleted, whatever its type',
    observation({ valueQuantity: { value: 1 } }),
    [{ type: 'delete', path: 'Observation.value' }],
    observation(),
  ],
  [
    'its parts are reached',
    observation({ component: [{ code: { text: 'x' }, valueQuantity: { value: 1, unit: 'g' } }] }),
    [
      {
        type: 'replace',
        path: 'Observation.component[0].value.ofType(Quantity).unit',
        value: { valueString: 'kg' },
      },
    ],
    observation({ component: [{ code: { text: 'x' }, valueQuantity: { value: 1, unit: 'kg' } }] }),
  ],
  [
    'a type that it cannot have',
    observation(),
    [{ type: 'add', path: 'Observation', name: 'value', value: { valueAddress: { text: 'x' } } }],
    /value cannot have a value of type Address; it is of type Quantity/,
  ],
  [
    'the name in JSON is not the element’s name',
    observation(),
    [{ type: 'add', path: 'Observation', name: 'valueString', value: { valueString: 'x' } }],
    /no element "valueString"\. The name is "value"/,
  ],
];

const titled = patient({
  name: [{ given: ['Anna', 'Berta', 'Carla'], _given: [null, { extension: [spoken] }, { id: 'c' }] }],
});

export const primitives: Case[] = [
  [
    'a deleted primitive takes its extensions along',
    patient({ birthDate: '2000', _birthDate: { extension: [spoken] } }),
    [{ type: 'delete', path: 'Patient.birthDate' }],
    patient(),
  ],
  [
    'a replaced one too: the whole element is another',
    patient({ birthDate: '2000', _birthDate: { extension: [spoken] } }),
    [{ type: 'replace', path: 'Patient.birthDate', value: { valueDate: '2001' } }],
    patient({ birthDate: '2001' }),
  ],
  [
    'a value brings its own extensions',
    patient(),
    [{ type: 'add', path: 'Patient', name: 'birthDate', value: { _valueDate: { extension: [spoken] } } }],
    patient({ _birthDate: { extension: [spoken] } }),
  ],
  [
    'an extension is added to a primitive',
    patient({ birthDate: '2000' }),
    [
      {
        type: 'add',
        path: 'Patient.birthDate',
        name: 'extension',
        value: {
          part: [
            { name: 'url', valueUri: spoken.url },
            { name: 'value', valueBoolean: true },
          ],
        },
      },
    ],
    patient({ birthDate: '2000', _birthDate: { extension: [spoken] } }),
  ],
  [
    'and to one in a list, which keeps its place',
    patient({ name: [{ given: ['Anna', 'Berta'] }] }),
    [{ type: 'add', path: 'Patient.name.given[1]', name: 'id', value: { valueString: 'b' } }],
    patient({ name: [{ given: ['Anna', 'Berta'], _given: [null, { id: 'b' }] }] }),
  ],
  [
    'the last extension goes, the value stays',
    patient({ birthDate: '2000', _birthDate: { extension: [spoken] } }),
    [{ type: 'delete', path: `Patient.birthDate.extension('${spoken.url}')` }],
    patient({ birthDate: '2000' }),
  ],
  [
    'the last extension of one in a list goes',
    titled,
    [
      { type: 'delete', path: 'Patient.name.given[1].extension' },
      { type: 'delete', path: 'Patient.name.given[2].id' },
    ],
    patient({ name: [{ given: ['Anna', 'Berta', 'Carla'] }] }),
  ],
  [
    'deleting from a list moves what stands beside',
    titled,
    [{ type: 'delete', path: 'Patient.name.given[0]' }],
    patient({ name: [{ given: ['Berta', 'Carla'], _given: [{ extension: [spoken] }, { id: 'c' }] }] }),
  ],
  [
    'inserting too',
    titled,
    [{ type: 'insert', path: 'Patient.name.given', index: 1, value: { valueString: 'Dora' } }],
    patient({
      name: [{ given: ['Anna', 'Dora', 'Berta', 'Carla'], _given: [null, null, { extension: [spoken] }, { id: 'c' }] }],
    }),
  ],
  [
    'inserting something with an extension makes room for it',
    patient({ name: [{ given: ['Anna', 'Berta'] }] }),
    [{ type: 'insert', path: 'Patient.name.given', index: 1, value: { valueString: 'D', _valueString: { id: 'd' } } }],
    patient({ name: [{ given: ['Anna', 'D', 'Berta'], _given: [null, { id: 'd' }, null] }] }),
  ],
  [
    'moving too',
    titled,
    [{ type: 'move', path: 'Patient.name.given', source: 2, destination: 0 }],
    patient({
      name: [{ given: ['Carla', 'Anna', 'Berta'], _given: [{ id: 'c' }, null, { extension: [spoken] }] }],
    }),
  ],
  [
    'replacing one of a list drops what stood beside it',
    titled,
    [{ type: 'replace', path: 'Patient.name.given[1]', value: { valueString: 'Bea' } }],
    patient({ name: [{ given: ['Anna', 'Bea', 'Carla'], _given: [null, null, { id: 'c' }] }] }),
  ],
  [
    'a list of nothing but extensions is a list too',
    patient({ name: [{ _given: [{ id: 'a', extension: [spoken] }, { extension: [spoken] }] }] }),
    [
      { type: 'delete', path: 'Patient.name.given[0]' },
      { type: 'add', path: 'Patient.name', name: 'given', value: { valueString: 'Anna' } },
    ],
    patient({ name: [{ given: [null, 'Anna'], _given: [{ extension: [spoken] }, null] }] }),
  ],
];

const answers = {
  resourceType: 'QuestionnaireResponse',
  status: 'in-progress',
  item: [
    { linkId: 'a', item: [{ linkId: 'a.1', answer: [{ valueInteger: 1 }] }] },
    { linkId: 'b', answer: [{ valueString: 'x' }] },
  ],
};

export const paths: Case[] = [
  [
    'where',
    patient({
      name: [
        { use: 'usual', given: ['A'] },
        { use: 'official', given: ['B'] },
      ],
    }),
    [{ type: 'insert', path: "Patient.name.where(use='official').given", index: 1, value: { valueString: 'C' } }],
    patient({
      name: [
        { use: 'usual', given: ['A'] },
        { use: 'official', given: ['B', 'C'] },
      ],
    }),
  ],
  [
    'items of items, whose definition is elsewhere',
    answers,
    [
      {
        type: 'add',
        path: "QuestionnaireResponse.item.where(linkId = 'a').item.where(linkId = 'a.1')",
        name: 'answer',
        value: { part: [{ name: 'value', valueCoding: { code: 'c' } }] },
      },
      {
        type: 'add',
        path: "QuestionnaireResponse.item.where(linkId = 'b')",
        name: 'item',
        value: {
          part: [
            { name: 'linkId', valueString: 'b.1' },
            { name: 'answer', part: [{ name: 'value', valueDecimal: 2.5 }] },
            { name: 'answer', part: [{ name: 'value', valueBoolean: false }] },
          ],
        },
      },
    ],
    {
      ...answers,
      item: [
        { linkId: 'a', item: [{ linkId: 'a.1', answer: [{ valueInteger: 1 }, { valueCoding: { code: 'c' } }] }] },
        {
          linkId: 'b',
          answer: [{ valueString: 'x' }],
          item: [{ linkId: 'b.1', answer: [{ valueDecimal: 2.5 }, { valueBoolean: false }] }],
        },
      ],
    },
  ],
  [
    'a contained resource',
    patient({ contained: [{ resourceType: 'Organization', id: 'o', name: 'A' }] }),
    [
      { type: 'replace', path: "Patient.contained.where(id = 'o').name", value: { valueString: 'B' } },
      { type: 'add', path: 'Patient', name: 'contained', value: { resource: { resourceType: 'Patient', id: 'p' } } },
      { type: 'add', path: 'Patient.contained[1]', name: 'active', value: { valueBoolean: true } },
    ],
    patient({
      contained: [
        { resourceType: 'Organization', id: 'o', name: 'B' },
        { resourceType: 'Patient', id: 'p', active: true },
      ],
    }),
  ],
  [
    'a path without the type’s name, and one with an ancestor’s',
    patient({ active: true, language: 'de' }),
    [
      { type: 'delete', path: 'active' },
      { type: 'delete', path: 'Resource.language' },
    ],
    patient(),
  ],
  [
    'an insert into a list that is still empty',
    patient(),
    [{ type: 'insert', path: 'Patient.name', index: 0, value: { valueHumanName: { text: 'A' } } }],
    patient({ name: [{ text: 'A' }] }),
  ],
  [
    'first, last, tail, skip and take',
    four,
    [
      { type: 'delete', path: 'Patient.identifier.first()' },
      { type: 'delete', path: 'Patient.identifier.last()' },
      {
        type: 'replace',
        path: 'Patient.identifier.tail().take(1).skip(0).single().value',
        value: { valueString: 'x' },
      },
    ],
    patient({ identifier: ids('2', 'x') }),
  ],
  [
    'conditions',
    patient({
      name: [{ family: 'A', period: { start: '2020-01-01' } }, { family: 'B', given: ['C'] }, { text: 'D' }],
    }),
    [
      { type: 'delete', path: 'Patient.name.where(period.start > @2019 and family.exists())' },
      { type: 'delete', path: "Patient.name.where(given contains 'C' or given.exists($this = 'Z'))" },
      { type: 'replace', path: 'Patient.name.where(family.empty()).text', value: { valueString: 'E' } },
    ],
    patient({ name: [{ text: 'E' }] }),
  ],
  [
    'numbers are compared as numbers',
    observation({ component: [{ code: { text: 'x' }, valueQuantity: { value: -2.5 } }, { code: { text: 'y' } }] }),
    [{ type: 'delete', path: 'Observation.component.where(value.ofType(Quantity).value < -2.40)' }],
    observation({ component: [{ code: { text: 'y' } }] }),
  ],
  ['nothing to delete is no error', patient(), [{ type: 'delete', path: 'Patient.birthDate' }], patient()],
];

/** Each is refused, and the reason says what is wrong. */
export const refused: Case[] = (
  [
    [{ type: 'delete', path: 'Patient.identifier' }, /leads to 4 elements; it must lead to one/],
    [{ type: 'replace', path: 'Patient.birthDate', value: { valueDate: '2000' } }, /leads to nothing/],
    [{ type: 'replace', path: 'Patient.identifier', value: { valueString: '2000' } }, /leads to 4 elements/],
    [{ type: 'replace', path: 'Patient', value: { valueString: 'x' } }, /whole resource/],
    [{ type: 'delete', path: 'Patient' }, /whole resource/],
    [{ type: 'delete', path: 'Patient.identifier.exists()' }, /no element of the resource/],
    [{ type: 'delete', path: "'Patient'" }, /no element of the resource/],
    [{ type: 'add', path: 'Patient', name: 'id', value: { valueId: 'b' } }, /id is there already/],
    [{ type: 'replace', path: 'Patient.id', value: { valueId: 'b' } }, /cannot change id/],
    [{ type: 'delete', path: 'Patient.id' }, /cannot change id/],
    [{ type: 'add', path: 'Patient', name: 'resourceType', value: { valueCode: 'x' } }, /no element "resourceType"/],
    [{ type: 'add', path: 'Patient', name: '__proto__', value: { valueCode: 'x' } }, /no element "__proto__"/],
    [{ type: 'add', path: 'Patient', name: 'constructor', value: { valueCode: 'x' } }, /no element "constructor"/],
    [{ type: 'add', path: 'Patient', name: 'birthDate', value: { valueString: '2000' } }, /type string.*of type date/],
    [{ type: 'add', path: 'Patient', name: 'birthDate', value: { part: [{ name: 'x', valueCode: 'x' }] } }, /parts/],
    [{ type: 'add', path: 'Patient', name: 'contact', value: { valueHumanName: {} } }, /type HumanName/],
    [{ type: 'add', path: 'Patient', name: 'contact', value: { resource: { resourceType: 'Patient' } } }, /a resource/],
    [
      { type: 'insert', path: 'Patient.identifier', index: 5, value: { valueIdentifier: {} } },
      /index 5 does not exist/,
    ],
    [{ type: 'insert', path: 'Patient.identifier', index: -1, value: { valueIdentifier: {} } }, /counted from 0/],
    [{ type: 'insert', path: 'Patient.identifier', index: 1.5, value: { valueIdentifier: {} } }, /counted from 0/],
    [{ type: 'insert', path: 'Patient.gender', index: 0, value: { valueCode: 'male' } }, /does not repeat/],
    [{ type: 'insert', path: 'Patient.identifier[0]', index: 0, value: { valueIdentifier: {} } }, /name of a list/],
    [{ type: 'insert', path: 'Patient.contact.telecom', index: 0, value: { valueContactPoint: {} } }, /to nothing/],
    [{ type: 'insert', path: 'Patient', index: 0, value: { valueString: 'x' } }, /leads to no list/],
    [{ type: 'move', path: 'Patient.identifier', source: 4, destination: 0 }, /index 4 does not exist/],
    [{ type: 'move', path: 'Patient.identifier', source: 0, destination: 4 }, /index 4 does not exist/],
    [{ type: 'move', path: 'Patient.name', source: 0, destination: 0 }, /has 0 elements/],
    [{ type: 'delete', path: 'Patient.nme' }, /no element "nme" in Patient/],
    [{ type: 'delete', path: 'Patient.identifier.where(us = 1)' }, /no element "us" in Identifier/],
    [{ type: 'delete', path: 'Patient.deceasedBoolean' }, /no element "deceasedBoolean"/],
    [{ type: 'delete', path: 'Patient.constructor' }, /no element "constructor"/],
    [{ type: 'delete', path: 'Observation.status' }, /"Observation" does not belong there; .* of type Patient/],
    [{ type: 'delete', path: 'Patient.name.where(Patient.active)' }, /"Patient" does not belong there/],
    [{ type: 'delete', path: 'Patient.deceased.ofType(Quantity)' }, /can be of the type "Quantity"/],
    [{ type: 'delete', path: 'Patient.managingOrganization.resolve().name' }, /resolve\(\) is not allowed/],
    [{ type: 'delete', path: "Patient.gender.memberOf('x')" }, /memberOf\(\) is not allowed/],
    [{ type: 'delete', path: 'Patient.repeat(contact)' }, /repeat\(\) is not allowed/],
    [{ type: 'delete', path: 'Patient.descendants()' }, /descendants\(\) is not allowed/],
    [{ type: 'delete', path: 'Patient.children()' }, /children\(\) is not allowed/],
    [{ type: 'delete', path: "Patient.name.where(family.matches('(a+)+$'))" }, /matches\(\) is not allowed/],
    [{ type: 'delete', path: "Patient.name.trace('x')" }, /trace\(\) is not allowed/],
    [{ type: 'delete', path: 'Patient.name.`descendants`()' }, /is not allowed/],
    [{ type: 'delete', path: 'Patient.name.sort(family)' }, /sort\(\) is not allowed/],
    [{ type: 'delete', path: 'Patient.name.toString()' }, /toString\(\) is not allowed/],
    [{ type: 'delete', path: 'Patient.name.constructor()' }, /constructor\(\) is not allowed/],
    [{ type: 'delete', path: '%resource.name' }, /a variable such as %resource is not allowed/],
    [{ type: 'delete', path: 'Patient.name | Patient.contact' }, /a union/],
    [{ type: 'delete', path: 'Patient.name.where(-(1) = 1)' }, /a sign may stand before a number only/],
    [{ type: 'delete', path: 'Patient.name[1 + 1]' }, /must hold a number/],
    [{ type: 'delete', path: "Patient.name.where(given + 'x' = 'y')" }, /arithmetic/],
    [{ type: 'delete', path: 'Patient.name.where($index = 1)' }, /\$index is not allowed/],
    [{ type: 'delete', path: "Coding { code: 'x' }" }, /a new object/],
    [{ type: 'delete', path: 'Patient.name.where(family = given)' }, /must have a literal/],
    [{ type: 'delete', path: "Patient.name.where(period = 5 'mg')" }, /the literal 5'mg' is not allowed/],
    [{ type: 'delete', path: 'Patient.name.where()' }, /where\(\) takes 1 arguments, not 0/],
    [{ type: 'delete', path: 'Patient.identifier.single()' }, /needs a single value/],
    [{ type: 'delete', path: '' }, /no FHIRPath expression/],
    [{ type: 'delete', path: 'Patient.' }, /no FHIRPath expression/],
    [{ type: 'delete', path: `Patient.name.where(${'('.repeat(20)}true${')'.repeat(20)})` }, /opens 21 brackets/],
    [{ type: 'delete', path: `Patient${'.extension'.repeat(200)}` }, /2007 characters; at most 1024/],
    [{ type: 'delete', path: `Patient.name[${'-'.repeat(1000)}1]` }, /must hold a number|no FHIRPath expression/],
    [{ type: 'destroy', path: 'Patient' }, /FHIRPath Patch knows add, insert, delete, replace, move/],
    [{ type: 'delete', path: 'Patient.active', value: { valueString: 'x' } }, /has no part "value"/],
    [{ type: 'add', path: 'Patient', name: 'active' }, /needs a part "value"/],
  ] as [Row, RegExp][]
).map(([row, reason]): Case => [
  `${row.type} ${row.path.slice(0, 60)}`,
  { resourceType: 'Patient', id: 'a', identifier: ids('1', '2', '3', '4') },
  [row],
  reason,
]);
