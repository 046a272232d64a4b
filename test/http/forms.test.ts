/** The shipped forms are there from the first start, their examples are taken as they are, and found by score and flag. */
import { codeSystems, examplesOf, flat, forms, nameOf } from '../support/forms.js';
import { ask, describeServer } from '../support/server.js';

const examples = forms.flatMap((form) => examplesOf(form).map((example) => ({ form, ...example })));
const accepted = examples.filter(({ verdict }) => verdict === 'accepted');

describeServer('the shipped forms', (server) => {
  const totalOf = async (query: string): Promise<number> => {
    const { status, body } = await ask(`${server.base}/QuestionnaireResponse?${query}&_summary=count`);
    expect([query, status]).toEqual([query, 200]);
    return body.total;
  };
  const of = (form: (typeof forms)[number]) => `questionnaire=${encodeURIComponent(`${form.url!}|${form.version!}`)}`;

  test('are found by url and version', async () => {
    for (const { resourceType, url, version, id } of [...forms, ...codeSystems]) {
      const query = `url=${encodeURIComponent(url!)}&version=${version!}`;
      const { body } = await ask(`${server.base}/${resourceType}?${query}`);
      expect(body.entry.map((entry: any) => entry.resource.id)).toEqual([id]);
    }
  });

  test('have examples that are taken as they are', async () => {
    const entry = accepted.map(({ response }) => ({
      request: { method: 'POST', url: 'QuestionnaireResponse' },
      resource: response,
    }));
    const { status, body } = await ask(server.base, { body: { resourceType: 'Bundle', type: 'batch', entry } });
    expect(status).toBe(200);
    const refused = body.entry.flatMap(({ response }: any, at: number) =>
      response.status.startsWith('201') ? [] : [[nameOf(accepted[at]!.form), accepted[at]!.name, response]],
    );
    expect(refused).toEqual([]);
    expect(accepted.length).toBeGreaterThan(70);
  });

  test.each(forms.map((form) => [nameOf(form), form] as const))(
    '%s: responses are found by total and flag',
    async (name, form) => {
      const own = accepted.filter((one) => nameOf(one.form) === name);
      expect(await totalOf(of(form))).toBe(own.length);
      const total = flat(form.item).find(({ type, readOnly }) => type === 'integer' && readOnly)?.linkId;
      for (const expected of new Set(own.flatMap((one) => one.total ?? []))) {
        const query = `${of(form)}&answer-number=${total!}$${expected}`;
        expect([query, await totalOf(query)]).toEqual([query, own.filter((one) => one.total === expected).length]);
      }
      for (const band of new Set(own.flatMap((one) => one.band ?? []))) {
        const query = `${of(form)}&answer-token=band$${band}`;
        expect([query, await totalOf(query)]).toEqual([query, own.filter((one) => one.band === band).length]);
      }
      const urgent = own.filter((one) => one.urgent === true).length;
      expect(await totalOf(`${of(form)}&answer-token=urgent-flag$true`)).toBe(urgent);
    },
  );
});
