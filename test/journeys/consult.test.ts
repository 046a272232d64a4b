/** The demo as a test, on both stores; and how the hospital's own EHR opens an app on what it was asked. */
import { backend, basic, describeSmart, getTokens, patientOf, post, userOf } from '../support/smart.js';
import { gather } from './cast.js';
import { playConsult } from './consult.js';

describeSmart('the consult', (server) => {
  test('goes from referral to report, and to nobody else', async () => {
    const said: string[] = [];
    await playConsult(await gather(server), (line) => said.push(line));
    expect(said).toContain('    requested → accepted → in-progress → completed');
    expect(said.filter((line) => line.includes('Outsider') && /cannot|nothing/.test(line)).length).toBeGreaterThan(6);
    expect(said.at(-1)).toMatch(/^ {2}\d+ events about the patient, by 3 callers$/);
  }, 120_000);

  test('T-05 a launch names a referral and a patient of another organization as long as they are open', async () => {
    const { organization, fhirUser } = userOf(server, 'specialist');
    const { client, secret } = await server.auth.clients.add({
      name: 'EHR of the hospital',
      organization,
      authentication: 'client_secret',
      redirectUris: [],
      scope: '',
      grantTypes: [],
      launches: true,
    });
    const { body: token } = await backend(server, {}, { scope: 'system/*.cruds' });
    const as = { Authorization: `Bearer ${token.access_token}`, 'Content-Type': 'application/fhir+json' };
    const create = async (resource: { resourceType: string; [element: string]: unknown }): Promise<any> =>
      (
        await fetch(`${server.base}/${resource.resourceType}`, {
          method: 'POST',
          headers: as,
          body: JSON.stringify(resource),
        })
      ).json();
    const patient = patientOf(server, 'ben');
    const subject = { reference: `Patient/${patient}` };
    const request = await create({ resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject });
    const { app } = server.demo.launch.form;
    const launch = (serviceRequest: string) =>
      post(
        server,
        'launch',
        { app, user: 'specialist', patient, serviceRequest },
        basic({ client_id: client.id, client_secret: secret } as never),
      );
    expect((await launch(request.id)).status).toBe(400);
    const owner = { reference: fhirUser ?? '' };
    const focus = { reference: `ServiceRequest/${request.id}` };
    await create({ resourceType: 'Task', status: 'requested', intent: 'order', focus, for: subject, owner });
    const launched = await launch(request.id);
    expect(launched.status).toBe(201);
    const ask = { scope: 'launch patient/*.rs openid fhirUser', launch: launched.body.launch };
    const { tokens } = await getTokens(server, { user: 'specialist', ask });
    expect(tokens).toMatchObject({ patient, fhirContext: [focus], tenant: organization });
    const seen = async (name: string): Promise<number> =>
      (await fetch(`${server.base}/${name}`, { headers: { Authorization: `Bearer ${tokens.access_token}` } })).status;
    expect([await seen(subject.reference), await seen(focus.reference)]).toEqual([200, 200]);
    const revoked = JSON.stringify({ ...request, status: 'revoked' });
    await fetch(`${server.base}/${focus.reference}`, { method: 'PUT', headers: as, body: revoked });
    expect([await seen(subject.reference), await seen(focus.reference)]).toEqual([404, 404]);
  }, 60_000);
});
