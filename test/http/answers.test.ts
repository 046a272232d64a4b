/** Responses against their questionnaires, and questionnaires by themselves: each rule has rows, through HTTP. */
import { readFileSync } from 'node:fs';
import { ask, describeServer, put, type TestServer } from '../support/server.js';

interface ResponseCase {
  name: string;
  refused?: boolean;
  status?: string;
  /** Null: none is named; absent: that of the group. */
  questionnaire?: string | null;
  version?: string | null;
  item: object[];
  issues: string[];
}
interface Group {
  name: string;
  questionnaire: object;
  others?: object[];
  responses: ResponseCase[];
}
const cases = (name: string) =>
  JSON.parse(readFileSync(new URL(`../cases/questionnaire/${name}.json`, import.meta.url), 'utf8'));
const groups: Group[] = cases('responses');
const forms: { name: string; questionnaire: object; status?: string; issues: string[] }[] = cases('forms');

const RULES = 'http://afferent.health/fhir/CodeSystem/response-rules';
const FORM_RULES = 'http://afferent.health/fhir/CodeSystem/questionnaire-rules';
const urlOf = (at: number) => `http://example.org/Questionnaire/case-${at}`;

/** Sends a batch and gives the answers of its entries. */
async function batch(base: string, resources: object[]): Promise<any[]> {
  const entry = resources.map((resource: any) => ({
    request: { method: 'POST', url: resource.resourceType },
    resource,
  }));
  const headers = { Prefer: 'return=OperationOutcome' };
  const { body } = await ask(base, { headers, body: { resourceType: 'Bundle', type: 'batch', entry } });
  return body.entry.map(({ response }: any) => response);
}

/** The issues with a code of that system, as the cases write them. */
const told = (response: any, system: string): string[] =>
  (response.outcome?.issue ?? [])
    .filter((issue: any) => issue.details?.coding?.[0]?.system === system)
    .map((issue: any) => `${issue.severity} ${issue.details.coding[0].code} ${placeOf(issue, system)}`)
    .sort();

/** A refused entry of a batch is told of by its place there. */
const placeOf = ({ expression }: any, system: string): string =>
  expression[0].replace(
    /^Bundle\.entry\[\d+\]\.resource/,
    system === RULES ? 'QuestionnaireResponse' : 'Questionnaire',
  );

function responseOf(at: number, { name: _, refused: _r, issues: _i, version = '1', ...one }: ResponseCase): object {
  const canonical = version === null ? urlOf(at) : `${urlOf(at)}|${version}`;
  const { questionnaire = canonical, status = 'completed', item, ...rest } = one;
  return {
    resourceType: 'QuestionnaireResponse',
    status,
    ...(questionnaire === null ? {} : { questionnaire }),
    ...rest,
    ...(item.length === 0 ? {} : { item }),
  };
}

const answers = new WeakMap<TestServer, Promise<any[][]>>();

/** All cases, once for each server: two batches. */
async function answered(server: TestServer): Promise<any[][]> {
  const definitions = groups.flatMap(({ questionnaire, others = [] }, at) => [
    ...others,
    { resourceType: 'Questionnaire', status: 'active', url: urlOf(at), version: '1', ...questionnaire },
  ]);
  for (const { status } of await batch(server.base, definitions)) expect(status).toMatch(/^201/);
  const rows = groups.map(({ responses }, at) => responses.map((one) => responseOf(at, one)));
  const all = await batch(server.base, rows.flat());
  return rows.map((row) => all.splice(0, row.length));
}

describeServer('answers', (server) => {
  const of = (): Promise<any[][]> => {
    const known = answers.get(server) ?? answered(server);
    answers.set(server, known);
    return known;
  };

  test.each(groups.map(({ name }, at) => [name, at] as const))('%s', async (_, at) => {
    const responses = (await of())[at] ?? [];
    const found = responses.map((one, n) => ({
      name: groups[at]!.responses[n]!.name,
      refused: one.status.startsWith('422'),
      stored: one.status.startsWith('201'),
      issues: told(one, RULES),
    }));
    const expected = groups[at]!.responses.map(({ name, refused = false, issues }) => ({
      name,
      refused,
      stored: !refused,
      issues: [...issues].sort(),
    }));
    expect(found).toEqual(expected);
  });

  test('every issue names the rule, the answer and the question in its own words', async () => {
    const all = (await of()).flat().flatMap(({ outcome }) => outcome?.issue ?? []);
    const ruled = all.filter((issue: any) => issue.details !== undefined);
    expect(ruled.length).toBeGreaterThan(100);
    for (const { diagnostics, expression, details } of ruled) {
      expect(details.coding).toEqual([{ system: RULES, code: expect.stringMatching(/^[a-zA-Z]+$/) }]);
      expect(expression).toEqual([expect.stringMatching(/^(QuestionnaireResponse|Bundle\.entry\[\d+\]\.resource)/)]);
      if (/\.item/.test(expression[0]) && details.coding[0].code !== 'invalidLinkId') {
        expect(diagnostics).toMatch(/^".+" \(\S+\) |^"How are you\?"/);
      }
    }
  });

  test('forms', async () => {
    const resources = forms.map(({ questionnaire }) => ({
      resourceType: 'Questionnaire',
      status: 'active',
      ...questionnaire,
    }));
    const found = (await batch(server.base, resources)).map((one, at) => ({
      name: forms[at]!.name,
      status: one.status.slice(0, 3),
      issues: told(one, FORM_RULES),
    }));
    const expected = forms.map(({ name, issues, status }) => ({
      name,
      status: status ?? (issues.some((issue) => issue.startsWith('error')) ? '422' : '201'),
      issues: [...issues].sort(),
    }));
    expect(found).toEqual(expected);
  });

  describe('status moves (A5)', () => {
    const form = {
      resourceType: 'Questionnaire',
      id: 'moves',
      url: 'http://example.org/Questionnaire/moves',
      status: 'active',
      item: [{ linkId: 'a', text: 'How?', type: 'string', required: true }],
    };
    const response = (id: string, status: string, text?: string): any => ({
      resourceType: 'QuestionnaireResponse',
      id,
      questionnaire: form.url,
      status,
      item: text === undefined ? [] : [{ linkId: 'a', answer: [{ valueString: text }] }],
      ...(text === undefined ? { item: undefined } : {}),
    });
    beforeAll(() => put(server.base, form));
    const url = (id: string) => `${server.base}/QuestionnaireResponse/${id}`;
    const update = (one: any) => ask(url(one.id), { method: 'PUT', body: one });

    test.each<[string, string, string, string, number]>([
      ['in-progress', 'x', 'completed', 'x', 200],
      ['in-progress', 'x', 'completed', '', 422],
      ['in-progress', 'x', 'stopped', '', 200],
      ['stopped', 'x', 'in-progress', 'x', 200],
      ['stopped', 'x', 'completed', '', 422],
      ['completed', 'x', 'completed', 'x', 200],
      ['completed', 'x', 'completed', 'y', 422],
      ['completed', 'x', 'amended', 'y', 200],
      ['completed', 'x', 'amended', '', 422],
      ['completed', 'x', 'in-progress', 'x', 422],
      ['completed', 'x', 'stopped', 'x', 422],
      ['amended', 'x', 'amended', 'y', 200],
      ['amended', 'x', 'completed', 'x', 422],
      ['amended', 'x', 'in-progress', 'x', 422],
      ['in-progress', '', 'entered-in-error', '', 200],
      ['completed', 'x', 'entered-in-error', 'x', 200],
      ['entered-in-error', 'x', 'completed', 'x', 422],
    ])('%s (%s) to %s (%s): %i', async (from, before, to, after, status) => {
      const id = `${from}-${before}-${to}-${after}-`;
      await put(server.base, response(id, from, before === '' ? undefined : before));
      const answer = await update(response(id, to, after === '' ? undefined : after));
      expect(answer.status).toBe(status);
      const now = (await ask(url(id))).body;
      expect(now.status).toBe(status === 200 ? to : from);
    });

    test('a patch, a conditional update, and an entry of a transaction are judged alike', async () => {
      await put(server.base, {
        ...response('patched', 'completed', 'x'),
        identifier: { system: 'urn:moves', value: '1' },
      });
      const patch = [{ op: 'replace', path: '/status', value: 'in-progress' }];
      const headers = { 'Content-Type': 'application/json-patch+json' };
      const answers = [
        await ask(url('patched'), { method: 'PATCH', headers, body: patch }),
        await ask(`${server.base}/QuestionnaireResponse?identifier=urn:moves|1`, {
          method: 'PUT',
          body: { ...response('patched', 'in-progress', 'x'), identifier: { system: 'urn:moves', value: '1' } },
        }),
        await ask(server.base, {
          body: {
            resourceType: 'Bundle',
            type: 'transaction',
            entry: [
              {
                request: { method: 'PUT', url: 'QuestionnaireResponse/patched' },
                resource: response('patched', 'in-progress', 'x'),
              },
            ],
          },
        }),
      ];
      expect(answers.map(({ status }) => status)).toEqual([422, 422, 422]);
      expect(answers[2]!.body.issue[0].expression).toEqual(['Bundle.entry[0].resource.status']);
      expect((await ask(url('patched'))).body.meta.versionId).toBe('1');
    });

    test('of two that complete and amend at once, each is judged by what is there', async () => {
      const id = 'raced';
      await put(server.base, response(id, 'in-progress', 'x'));
      const completing = ['y', 'z'].map((text) => update(response(id, 'completed', text)));
      const statuses = (await Promise.all(completing)).map(({ status }) => status).sort();
      expect(statuses).toEqual([200, 422]);
    });
  });

  test('a questionnaire of the same transaction counts, and one that is stored later counts at once', async () => {
    const canonical = 'http://example.org/Questionnaire/together';
    const form = (item: object[], version: string) => ({
      resourceType: 'Questionnaire',
      url: canonical,
      version,
      status: 'active',
      item,
    });
    const own = { linkId: 'a', text: 'How?', type: 'string', required: true };
    const response = (linkId: string) => ({
      resourceType: 'QuestionnaireResponse',
      questionnaire: canonical,
      status: 'completed',
      item: [{ linkId, answer: [{ valueString: 'x' }] }],
    });
    const together = (linkId: string) => ({
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [form([own], '1.9.0'), response(linkId)].map((resource) => ({
        request: { method: 'POST', url: resource.resourceType },
        resource,
      })),
    });
    const wrong = await ask(server.base, { body: together('b') });
    expect([wrong.status, wrong.body.issue[0].expression[0]]).toEqual([422, 'Bundle.entry[1].resource.item[0]']);
    expect((await ask(server.base, { body: together('a') })).status).toBe(200);
    const url = `${server.base}/QuestionnaireResponse`;
    expect((await ask(url, { body: response('a') })).status).toBe(201);
    await put(server.base, form([{ ...own, linkId: 'new' }], '1.10.0'));
    expect((await ask(url, { body: response('a') })).status).toBe(422);
    expect((await ask(url, { body: response('new') })).status).toBe(201);
    expect((await ask(url, { body: { ...response('a'), questionnaire: `${canonical}|1.9.0` } })).status).toBe(201);
  });

  test('a large response is checked too, and $validate says the same without storing', async () => {
    const large = {
      resourceType: 'QuestionnaireResponse',
      questionnaire: urlOf(groups.findIndex(({ name }) => name === 'V12 length')),
      status: 'completed',
      item: [{ linkId: 'a', answer: [{ valueString: 'x'.repeat(400_000) }] }],
    };
    const url = `${server.base}/QuestionnaireResponse`;
    await of();
    const stored = await ask(url, { body: large });
    const validated = await ask(`${url}/$validate`, { body: large });
    for (const { body } of [stored, validated]) {
      expect(told({ outcome: body }, RULES)).toEqual(['error maxLength QuestionnaireResponse.item[0].answer[0].value']);
    }
    expect([stored.status, validated.status]).toEqual([422, 200]);
  });

  test('bad input is bounded: many items, a circle of thousands, endless and huge expressions', async () => {
    const url = `${server.base}/Questionnaire`;
    const form = (item: object[]) => ({ resourceType: 'Questionnaire', status: 'active', item });
    const items = (count: number) =>
      Array.from({ length: count }, (_, at) => ({ linkId: `q${at}`, text: `Q ${at}`, type: 'string' }));
    const calculated = (expression: string) => [
      {
        linkId: 'a',
        text: 'Sum',
        type: 'integer',
        extension: [
          {
            url: 'http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-calculatedExpression',
            valueExpression: { language: 'text/fhirpath', expression },
          },
        ],
      },
    ];
    const many = items(5000).map((item, at) => ({
      ...item,
      enableWhen: [{ question: `q${(at + 1) % 5000}`, operator: 'exists', answerBoolean: true }],
    }));
    let nested: object = { linkId: 'deepest', type: 'string' };
    for (let level = 0; level < 200; level += 1) nested = { linkId: `g${level}`, type: 'group', item: [nested] };
    const answers = [
      await ask(url, { body: form(items(5000)) }),
      await ask(url, { body: form(items(5001)) }),
      await ask(url, { body: form(many) }),
      await ask(url, { body: form([nested]) }),
      await ask(url, { body: form(calculated(`1${' + 1'.repeat(25_000)}`)) }),
      await ask(url, { body: form(calculated('('.repeat(50_000))) }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([201, 422, 422, 400, 201, 201]);
    const endless = await put(server.base, {
      ...form(calculated("(1).repeat($this + 1) | 'x'")),
      url: 'http://example.org/Questionnaire/endless',
    } as never);
    const response = await ask(`${server.base}/QuestionnaireResponse`, {
      headers: { Prefer: 'return=OperationOutcome' },
      body: {
        resourceType: 'QuestionnaireResponse',
        questionnaire: endless.url,
        status: 'completed',
        item: [{ linkId: 'a', answer: [{ valueInteger: 1 }] }],
      },
    });
    expect(response.status).toBe(201);
    expect(told({ outcome: response.body }, RULES)).toEqual(['warning tooCostly QuestionnaireResponse.item[0]']);
  });
});

describeServer(
  'REQUIRE_QUESTIONNAIRE',
  (server) => {
    test.each([
      ['completed', undefined, 422],
      ['in-progress', 'http://example.org/nowhere', 422],
      ['entered-in-error', undefined, 201],
    ])('%s, %s: %i', async (status, questionnaire, expected) => {
      const answer = await ask(`${server.base}/QuestionnaireResponse`, {
        body: { resourceType: 'QuestionnaireResponse', status, questionnaire },
      });
      expect(answer.status).toBe(expected);
    });
  },
  {},
  { REQUIRE_QUESTIONNAIRE: 'true' },
);
