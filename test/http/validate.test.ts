/** `$validate` says what a write would be told, and stores nothing; on both stores. */
import { ask, describeServer, idsOf } from '../support/server.js';

const patient = { resourceType: 'Patient', name: [{ family: 'Lovelace' }] };
const wrong = { resourceType: 'Patient', contact: [{ gender: 'female' }], gender: 'x' };
const parameters = (...parameter: object[]) => ({ resourceType: 'Parameters', parameter });
const narrative = { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">Ada</div>' };

interface Told {
  severity: string;
  diagnostics: string;
  expression?: string[];
}

const told = (body: { issue: Told[] }, severity: string) =>
  body.issue.filter((issue) => issue.severity === severity).map(({ diagnostics }) => diagnostics);

describeServer(
  '$validate',
  (server) => {
    const post = (path: string, body: unknown) =>
      ask(`${server.base}/${path}`, { method: 'POST', body: JSON.stringify(body) });

    test('of a good resource: no errors, and what was and was not checked', async () => {
      const meta = { profile: ['http://example.org/p'] };
      const extension = [{ url: 'http://example.org/e', valueString: 'x' }];
      const { status, body } = await post('Patient/$validate', { ...patient, meta, extension, text: narrative });
      expect(status).toBe(200);
      expect(told(body, 'error')).toEqual([]);
      expect(told(body, 'information')).toEqual([
        expect.stringContaining('the profile http://example.org/p'),
        expect.stringContaining('the extension http://example.org/e'),
        expect.stringContaining('No errors were found. Checked were: structure'),
      ]);
      expect(idsOf((await ask(`${server.base}/Patient?family=Lovelace`)).body)).toEqual([]);
    });

    test('of a resource that is wrong: 200, with what a create would be refused for', async () => {
      const asked = await post('Patient/$validate', wrong);
      const refused = await post('Patient', wrong);
      expect([asked.status, refused.status]).toEqual([200, 400]);
      expect(told(asked.body, 'error')).toEqual(told(refused.body, 'error'));
      const second = await post('Patient/$validate', { ...wrong, gender: 'female' });
      expect(told(second.body, 'error')).toEqual([expect.stringContaining('(pat-1)')]);
    });

    test('a best practice is told here, and not at a write', async () => {
      expect(told((await post('Patient/$validate', patient)).body, 'warning')).toEqual([
        expect.stringContaining('dom-6'),
      ]);
      const headers = { Prefer: 'return=OperationOutcome' };
      const { body } = await ask(`${server.base}/Patient`, { method: 'POST', headers, body: JSON.stringify(patient) });
      expect(told(body, 'warning')).toEqual([]);
    });

    test.each([
      [
        'a resource in Parameters',
        'Patient/$validate',
        parameters({ name: 'resource', resource: wrong }),
        /Found the code "x"/,
      ],
      [
        'a profile that is asked for',
        'Patient/$validate?profile=http://example.org/p',
        patient,
        /Not checked: the profile http:\/\/example.org\/p/,
      ],
      [
        'a mode of profiles with one',
        'Patient/$validate',
        parameters(
          { name: 'mode', valueCode: 'profile' },
          { name: 'profile', valueUri: 'http://example.org/p' },
          { name: 'resource', resource: patient },
        ),
        /Not checked: the profile http:\/\/example.org\/p/,
      ],
      ['a mode of profiles without one', 'Patient/$validate?mode=profile', patient, /needs the parameter "profile"/],
      ['an update without an id', 'Patient/$validate?mode=update', patient, /needs the id/],
      ['an update of another', 'Patient/other/$validate', { ...patient, id: 'ada' }, /the URL says Patient\/other/],
      [
        'a deletion without an id',
        'Patient/$validate',
        parameters({ name: 'mode', valueCode: 'delete' }),
        /with an id/,
      ],
      [
        'a lost reference',
        'Observation/$validate',
        { resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject: { reference: 'Patient/nobody' } },
        /Patient\/nobody is not on this server/,
      ],
      [
        'a part of a resource',
        'Patient/$validate',
        { ...patient, meta: { tag: [{ code: 'SUBSETTED' }] } },
        /SUBSETTED/,
      ],
    ])('%s is an error', async (_, path, body, says) => {
      const found = await post(path, body);
      expect(found.status).toBe(200);
      expect(told(found.body, 'error')).toEqual([expect.stringMatching(says)]);
    });

    test.each([
      ['another type', 'Patient/$validate', { resourceType: 'Task' }],
      ['a mode that is none', 'Patient/$validate?mode=check', patient],
      ['a parameter that means nothing', 'Patient/$validate?strict=true', patient],
      ['such a one in Parameters', 'Patient/$validate', parameters({ name: 'strict', valueBoolean: true })],
      [
        'two resources',
        'Patient/$validate',
        parameters({ name: 'resource', resource: patient }, { name: 'resource', resource: patient }),
      ],
      ['no resource', 'Patient/$validate', parameters({ name: 'profile', valueUri: 'http://example.org/p' })],
      ['a parameter without one', 'Patient/$validate', parameters({ name: 'resource', valueString: 'x' })],
    ])('%s is refused', async (_, path, body) => {
      const found = await post(path, body);
      expect([found.status, found.body.resourceType]).toEqual([400, 'OperationOutcome']);
    });

    test('what is stored is checked as it stands, and asked whether it may be deleted', async () => {
      const { body: ada } = await post('Patient', patient);
      const asked = await ask(`${server.base}/Patient/${ada.id}/$validate`);
      expect([asked.status, told(asked.body, 'error')]).toEqual([200, []]);
      const again = await ask(`${server.base}/Patient/${ada.id}/$validate`, { method: 'POST' });
      expect(again.status).toBe(200);
      const free = await post(`Patient/${ada.id}/$validate`, parameters({ name: 'mode', valueCode: 'delete' }));
      expect(told(free.body, 'error')).toEqual([]);
      const about = { resourceType: 'Basic', code: { text: 'x' }, subject: { reference: `Patient/${ada.id}` } };
      const { body: basic } = await post('Basic', about);
      const held = await post(`Patient/${ada.id}/$validate`, parameters({ name: 'mode', valueCode: 'delete' }));
      expect(told(held.body, 'error')).toEqual([expect.stringContaining(`Basic/${basic.id} refers to`)]);
      expect((await ask(`${server.base}/Patient/nobody/$validate`)).status).toBe(404);
      expect((await ask(`${server.base}/Patient/$validate`)).status).toBe(405);
    });

    test('answers are checked, and it is said that they were', async () => {
      const form = {
        resourceType: 'Questionnaire',
        url: 'http://example.org/Questionnaire/validated',
        status: 'active',
        item: [{ linkId: 'a', text: 'How?', type: 'integer' }],
      };
      const { body: stored } = await post('Questionnaire', form);
      const answer = (value: object) => ({
        resourceType: 'QuestionnaireResponse',
        questionnaire: form.url,
        status: 'completed',
        item: [{ linkId: 'a', answer: [value] }],
      });
      const good = await post('QuestionnaireResponse/$validate', answer({ valueInteger: 1 }));
      expect(told(good.body, 'information')).toEqual([
        expect.stringContaining('and the answers against their Questionnaire'),
      ]);
      const bad = await post('QuestionnaireResponse/$validate', answer({ valueString: 'x' }));
      expect(told(bad.body, 'fatal')).toEqual([expect.stringContaining('asks for integer')]);
      // A patch is checked by what it leads to.
      const { body: kept } = await post('QuestionnaireResponse', {
        ...answer({ valueInteger: 1 }),
        status: 'in-progress',
      });
      const patch = (value: unknown) =>
        ask(`${server.base}/QuestionnaireResponse/${kept.id}`, {
          method: 'PATCH',
          headers: { 'Content-Type': 'application/json-patch+json' },
          body: JSON.stringify([{ op: 'replace', path: '/item/0/answer/0', value }]),
        });
      expect((await patch({ valueString: 'x' })).status).toBe(422);
      expect((await patch({ valueInteger: 2 })).status).toBe(200);
      expect(told((await post('Questionnaire/$validate', stored)).body, 'information').join()).toContain('by itself');
    });

    test('a large resource is checked by the same rules, on its own thread', async () => {
      const name = Array.from({ length: 9000 }, (_, index) => ({
        family: `Lovelace ${index} of many`,
        given: ['Ada'],
      }));
      const large = { ...patient, name, contact: [{ gender: 'female' }] };
      const found = await post('Patient/$validate', large);
      expect(told(found.body, 'error')).toEqual([expect.stringContaining('(pat-1)')]);
      const inParameters = await post('Patient/$validate', parameters({ name: 'resource', resource: large }));
      expect(told(inParameters.body, 'error')).toEqual([expect.stringContaining('(pat-1)')]);
      expect((await post('Patient', large)).status).toBe(400);
    });

    test('it is declared for every type', async () => {
      const { body } = await ask(`${server.base}/metadata`);
      const rows = body.rest[0].resource.map((row: any) => row.operation.some(({ name }: any) => name === 'validate'));
      expect(new Set(rows)).toEqual(new Set([true]));
      const { definition } = body.rest[0].resource[0].operation.find(({ name }: any) => name === 'validate');
      const found = await ask(`${server.base}/OperationDefinition?url=${definition}`);
      expect(found.body.entry[0].resource).toMatchObject({ code: 'validate', type: true, instance: true });
    });
  },
  {},
  { REFERENTIAL_INTEGRITY: 'enforce' },
);
