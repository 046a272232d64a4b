/** The shipped forms are there from the first start, their examples are taken as they are, and found by score and flag. */
import { codeSystems, examplesOf, flat, forms, nameOf } from '../support/forms.js';
import { ask, describeServer } from '../support/server.js';

const examples = forms.flatMap((form) => examplesOf(form).map((example) => ({ form, ...example })));
const accepted = examples.filter(({ verdict }) => verdict === 'accepted');
/** A wrong total is stored, and told of: the user may have had a reason. Everything else is refused. */
const told = examples.filter(({ verdict }) => verdict === 'calculatedValue');
const refused = examples.filter(({ verdict }) => verdict !== 'accepted' && verdict !== 'calculatedValue');

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

  test.each(refused.map((one) => [nameOf(one.form), one.name, one] as const))(
    '%s: %s is refused, with the rule and the place',
    async (_form, _name, { at, response, verdict }) => {
      const { body, status } = await ask(`${server.base}/QuestionnaireResponse`, { body: response });
      expect([status, body.resourceType]).toEqual([422, 'OperationOutcome']);
      const issue = body.issue.find((one: any) => one.details?.coding?.[0]?.code === verdict);
      expect(issue).toMatchObject({ severity: expect.stringMatching(/error|fatal/) });
      expect(issue.expression[0]).toMatch(/^QuestionnaireResponse/);
      // What is missing as a whole is told at the group that it belongs to.
      const isThere = at !== undefined && JSON.stringify(response).includes(`"${at}"`);
      expect(isThere && verdict !== 'required' ? JSON.stringify(issue) : at).toContain(at);
    },
  );

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

  test.each(told.map((one) => [nameOf(one.form), one] as const))(
    '%s: a total that is not the sum is stored, and told of',
    async (_form, { response, verdict }) => {
      const { body, status } = await ask(`${server.base}/QuestionnaireResponse`, {
        body: response,
        headers: { Prefer: 'return=OperationOutcome' },
      });
      expect([status, body.resourceType]).toEqual([201, 'OperationOutcome']);
      expect(body.issue.map((one: any) => one.details?.coding?.[0]?.code)).toContain(verdict);
    },
  );
});
