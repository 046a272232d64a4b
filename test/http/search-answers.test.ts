/** Responses are found by what was answered, on both stores: every row of the cases, asked through HTTP. */
import { readFileSync } from 'node:fs';
import { ask, describeServer, idsOf, put } from '../support/server.js';

interface Row {
  section: string;
  resource: { resourceType: string };
  finds: string[];
  misses: string[];
}

const rows = JSON.parse(readFileSync(new URL('../cases/search/answers.json', import.meta.url), 'utf8')) as Row[];
const kinds = ['answer-date', 'answer-number', 'answer-quantity', 'answer-string', 'answer-token'];

describeServer('search by answer', (server) => {
  let id: string;
  beforeAll(async () => {
    ({ id } = await put(server.base, rows[0]!.resource));
    const other = { resourceType: 'QuestionnaireResponse', status: 'completed' };
    await put(server.base, { ...other, item: [{ linkId: 'other', answer: [{ valueBoolean: true }] }] } as typeof other);
  });

  const asked = (query: string) => query.split('&').map(encoded).join('&');
  /** The name as it is, the value percent-encoded. */
  const encoded = (one: string) => {
    const at = one.indexOf('=');
    return `${one.slice(0, at)}=${encodeURIComponent(one.slice(at + 1))}`;
  };

  test.each(rows.map((row) => [row.section, row] as const))('%s', async (_, { finds, misses }) => {
    const answers = async (query: string) => {
      const { status, body } = await ask(`${server.base}/QuestionnaireResponse?${asked(query)}`);
      return [query, status, status === 200 && idsOf(body).includes(id)];
    };
    expect(await Promise.all(finds.map(answers))).toEqual(finds.map((query) => [query, 200, true]));
    expect(await Promise.all(misses.map(answers))).toEqual(misses.map((query) => [query, 200, false]));
  });

  test('the CapabilityStatement names the parameters, and their definitions can be read', async () => {
    const { body } = await ask(`${server.base}/metadata`);
    const { searchParam } = body.rest[0].resource.find(({ type }: any) => type === 'QuestionnaireResponse');
    const own = searchParam.filter(({ definition }: any) => definition.startsWith('http://afferent.health/'));
    expect(own.map(({ name, type }: any) => [name, type])).toEqual(kinds.map((kind) => [kind, 'composite']));
    for (const { name, definition } of own) {
      const found = await ask(`${server.base}/SearchParameter?url=${encodeURIComponent(definition)}`);
      const [{ resource }] = found.body.entry;
      expect(resource).toMatchObject({ code: name, base: ['QuestionnaireResponse'], type: 'composite' });
      for (const part of resource.component) {
        const parts = await ask(`${server.base}/SearchParameter?url=${encodeURIComponent(part.definition)}`);
        expect(parts.body.total ?? parts.body.entry.length).toBe(1);
      }
    }
  });

  test('more than a thousand answers to one question are all found', async () => {
    const answer = Array.from({ length: 1500 }, (_, n) => ({ valueInteger: n }));
    await put(server.base, {
      ...rows[0]!.resource,
      item: [{ linkId: 'many', answer }],
    } as (typeof rows)[0]['resource']);
    for (const query of ['answer-number=many$0', 'answer-number=many$1499', 'answer-number=many$gt1498']) {
      const { body } = await ask(`${server.base}/QuestionnaireResponse?${query}`);
      expect([query, idsOf(body).length]).toEqual([query, 1]);
    }
  });

  test('an answer that changes is found by what it is now', async () => {
    const resource = {
      ...rows[0]!.resource,
      id,
      status: 'amended',
      item: [{ linkId: 'width', answer: [{ valueDecimal: 7 }] }],
    };
    await put(server.base, resource);
    const found = async (query: string) =>
      idsOf((await ask(`${server.base}/QuestionnaireResponse?${query}`)).body).length;
    expect(await Promise.all(['answer-number=width$5.5', 'answer-number=width$7'].map(found))).toEqual([0, 1]);
  });
});
