/** G-01: in an emergency a person reads one patient's record, for a while, and the patient's organization is told. */
import { setTimeout as pause } from 'node:timers/promises';
import { readConfig } from '../../src/config.js';
import { openStore } from '../../src/server.js';
import { ask, type Answer, type Ask } from '../support/server.js';
import { backend, clientOf, describeSmart, getTokens, patientOf, post } from '../support/smart.js';

const REASON = 'Unconscious after a fall; allergies and anticoagulants unknown.';
const ACT_REASON = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

const parametersOf = (changes: Record<string, unknown> = {}) => {
  const named: Record<string, unknown> = {
    reason: { valueString: REASON },
    purpose: { valueCoding: { system: ACT_REASON, code: 'ETREAT' } },
    ...changes,
  };
  const parameter = Object.entries(named).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, ...(value as object) }],
  );
  return { resourceType: 'Parameters', parameter };
};

const MINUTE = 60_000;

describeSmart(
  'break-glass',
  (server) => {
    const tokens = {} as Record<'outsider' | 'referrer' | 'ada' | 'service', string>;
    const ids = {} as Record<'ada' | 'ben' | 'observation' | 'report' | 'media' | 'binary' | 'bens', string>;

    const as = async (token: string, path: string, request: Ask = {}): Promise<Answer> =>
      ask(`${server.base}/${path}`, { ...request, headers: { Authorization: `Bearer ${token}`, ...request.headers } });
    const begin = (token: string, patient: string, body: unknown = parametersOf()) =>
      as(token, `Patient/${patient}/$break-glass`, { method: 'POST', body });
    const end = (token: string, patient: string) =>
      as(token, `Patient/${patient}/$break-glass-end`, { method: 'POST' });
    const matches = ({ body }: Answer): string[] =>
      (body.entry ?? []).map(({ resource }: any) => `${resource.resourceType}/${resource.id}`);
    const create = async (resource: Record<string, unknown> & { resourceType: string }): Promise<string> => {
      const answer = await as(tokens.referrer, resource.resourceType, { body: resource });
      if (answer.status !== 201) throw new Error(answer.text);
      return answer.body.id as string;
    };
    const signIn = async (user: string, scope = 'user/*.cruds offline_access openid fhirUser') =>
      (await getTokens(server, { user, ask: { scope } })).tokens as { access_token: string; refresh_token: string };
    const refresh = (token: string) =>
      post(server, 'token', {
        grant_type: 'refresh_token',
        refresh_token: token,
        client_id: clientOf(server, 'app').client_id,
      });

    beforeAll(async () => {
      const about = (patient: string) => ({ subject: { reference: `Patient/${patient}` } });
      for (const user of ['outsider', 'referrer'] as const) tokens[user] = (await signIn(user)).access_token;
      tokens.ada = (await getTokens(server, { user: 'ada' })).tokens.access_token;
      tokens.service = (await backend(server)).body.access_token;
      Object.assign(ids, { ada: patientOf(server, 'ada'), ben: patientOf(server, 'ben') });
      const observed = { resourceType: 'Observation', status: 'final', code: { text: 'INR' } };
      ids.observation = await create({ ...observed, ...about(ids.ada) });
      ids.bens = await create({ ...observed, ...about(ids.ben) });
      await as(tokens.referrer, `Observation/${ids.observation}`, {
        method: 'PUT',
        body: { ...observed, ...about(ids.ada), id: ids.observation, status: 'amended' },
      });
      ids.report = await create({
        resourceType: 'DiagnosticReport',
        status: 'final',
        code: { text: 'INR' },
        ...about(ids.ada),
        result: [{ reference: `Observation/${ids.observation}` }],
      });
      const bytes = await as(tokens.referrer, 'Binary', {
        method: 'POST',
        headers: { 'Content-Type': 'image/png' },
        body: PNG,
      });
      ids.binary = bytes.body.id;
      ids.media = await create({
        resourceType: 'Media',
        status: 'completed',
        ...about(ids.ada),
        content: { contentType: 'image/png', url: `Binary/${ids.binary}` },
      });
    });

    /** Looks at ada's record: [name, path, what is found; none: it is not there]. */
    const looks: [string, () => string, (() => string[])?][] = [
      ['L-01 read of the Patient', () => `Patient/${ids.ada}`],
      ['L-01 read', () => `Observation/${ids.observation}`],
      ['L-01 vread', () => `Observation/${ids.observation}/_history/1`],
      ['L-02 history', () => `Observation/${ids.observation}/_history`],
      ['L-10 bytes', () => `Binary/${ids.binary}`],
      ['L-03 search by patient', () => `Observation?patient=${ids.ada}`, () => [`Observation/${ids.observation}`]],
      ['L-03 search of everything', () => 'Observation?code:text=INR', () => [`Observation/${ids.observation}`]],
      [
        'L-05 include',
        () => `DiagnosticReport?_id=${ids.report}&_include=DiagnosticReport:result`,
        () => [`DiagnosticReport/${ids.report}`, `Observation/${ids.observation}`],
      ],
      [
        'L-05 revinclude',
        () => `Patient?_id=${ids.ada}&_revinclude=Media:subject`,
        () => [`Patient/${ids.ada}`, `Media/${ids.media}`],
      ],
      ['L-06 chain', () => 'DiagnosticReport?result.status=amended', () => [`DiagnosticReport/${ids.report}`]],
      ['L-06 _has', () => 'Patient?_has:Media:subject:status=completed', () => [`Patient/${ids.ada}`]],
      ['a compartment', () => `Patient/${ids.ada}/Observation`, () => [`Observation/${ids.observation}`]],
    ];

    async function refuseAll(token: string): Promise<void> {
      for (const [name, path, found] of looks) {
        const answer = await as(token, path());
        if (found === undefined) expect([name, answer.status]).toEqual([name, 404]);
        else expect([name, answer.status, matches(answer)]).toEqual([name, 200, []]);
      }
    }

    test('G-01 nothing of another organization’s patient is there before', () => refuseAll(tokens.outsider));

    test.each<[string, unknown, number]>([
      ['no body', '', 400],
      ['no Parameters', { resourceType: 'Patient' }, 400],
      ['parameters that are no list', { resourceType: 'Parameters', parameter: {} }, 400],
      ['no reason', parametersOf({ reason: undefined }), 400],
      ['a blank reason', parametersOf({ reason: { valueString: '  ' } }), 400],
      ['a reason that is no text', parametersOf({ reason: { valueCode: 'x' } }), 400],
      ['a reason that is too long', parametersOf({ reason: { valueString: 'x'.repeat(1001) } }), 400],
      ['a reason that no FHIR string may hold', parametersOf({ reason: { valueString: 'x\u0000' } }), 400],
      ['no purpose', parametersOf({ purpose: undefined }), 400],
      [
        'a purpose that is none',
        parametersOf({ purpose: { valueCoding: { system: ACT_REASON, code: 'TREAT' } } }),
        400,
      ],
      [
        'a purpose of another system',
        parametersOf({ purpose: { valueCoding: { system: 'urn:x', code: 'BTG' } } }),
        400,
      ],
      ['a parameter that means nothing', parametersOf({ until: { valueInstant: '2030-01-01T00:00:00Z' } }), 400],
      [
        'a parameter twice',
        { resourceType: 'Parameters', parameter: [...parametersOf().parameter, parametersOf().parameter[0]] },
        400,
      ],
    ])('G-01 %s is refused, and opens nothing', async (_name, body, status) => {
      const answer = await begin(tokens.outsider, ids.ada, body);
      expect([answer.status, answer.body.resourceType]).toEqual([status, 'OperationOutcome']);
      expect((await as(tokens.outsider, `Patient/${ids.ada}`)).status).toBe(404);
    });

    test('G-01 only people who treat may, with a scope that reads Patients, and for a patient who is there', async () => {
      const narrow = (await signIn('outsider', 'user/Observation.rs openid fhirUser')).access_token;
      expect((await begin(narrow, ids.ada)).status).toBe(403);
      for (const token of [tokens.ada, tokens.service]) expect((await begin(token, ids.ben)).status).toBe(403);
      const nowhere = await begin(tokens.outsider, 'never-was-0000');
      expect(nowhere.status).toBe(404);
      expect(
        (await as(tokens.outsider, `Observation/${ids.observation}/$break-glass`, { body: parametersOf() })).status,
      ).toBe(404);
      expect(
        (await as(tokens.outsider, `Patient/${ids.ada}/$break-glass?force=true`, { body: parametersOf() })).status,
      ).toBe(400);
      expect((await as(tokens.outsider, `Patient/${ids.ada}/$break-glass`)).status).toBe(405);
      expect((await end(tokens.outsider, ids.ada)).status).toBe(404);
      await refuseAll(tokens.outsider);
    });

    test('G-01 opens one record for reading, to this grant alone, until it is ended', async () => {
      const { access_token: token, refresh_token: more } = await signIn('outsider');
      const answer = await begin(token, ids.ada);
      expect(answer.status).toBe(200);
      const until = Date.parse(answer.body.parameter[0].valueInstant);
      expect(Math.abs(until - server.clock.now() - 30 * MINUTE)).toBeLessThan(MINUTE);
      for (const [name, path, found] of looks) {
        const seen = await as(token, path());
        expect([name, seen.status, ...(found === undefined ? [] : [matches(seen)])]).toEqual([
          name,
          200,
          ...(found === undefined ? [] : [found()]),
        ]);
      }
      const { text: histories } = await as(token, '_history?_count=1000');
      expect([ids.observation, ids.media, ids.bens, ids.ben].map((id) => histories.includes(`"${id}"`))).toEqual([
        true,
        true,
        false,
        false,
      ]);
      const counted = await as(token, 'Observation?_summary=count');
      expect(counted.body.total).toBe(1);
      // Another patient, and what is about none of them, stays where it is.
      for (const path of [`Patient/${ids.ben}`, `Observation/${ids.bens}`])
        expect((await as(token, path)).status).toBe(404);
      await refuseAll(tokens.outsider);
      // Nothing is written by it.
      const update = {
        resourceType: 'Observation',
        id: ids.observation,
        status: 'entered-in-error',
        code: { text: 'x' },
        subject: { reference: `Patient/${ids.ada}` },
      };
      expect(
        (await as(token, `Observation/${ids.observation}`, { method: 'PUT', body: update })).status,
      ).toBeGreaterThanOrEqual(403);
      expect((await as(token, `Observation/${ids.observation}`, { method: 'DELETE' })).status).toBeGreaterThanOrEqual(
        403,
      );
      expect((await as(token, 'Observation', { body: { ...update, id: undefined } })).status).toBe(422);
      expect((await as(tokens.referrer, `Observation/${ids.observation}`)).body.status).toBe('amended');
      // It is not made longer, by no call and no refresh.
      const again = await begin(token, ids.ada);
      expect([again.status, again.text]).toEqual([409, expect.stringContaining('$break-glass-end')]);
      const renewed = (await refresh(more)).body.access_token;
      expect((await as(renewed, `Patient/${ids.ada}`)).status).toBe(200);
      // The end is at once, also for pages that were begun.
      const page = await as(token, `Patient/${ids.ada}/Communication?_count=1&_total=none`);
      expect((await end(renewed, ids.ada)).status).toBe(200);
      const next = page.body.link.find(({ relation }: any) => relation === 'next')?.url;
      if (next !== undefined)
        expect(matches(await ask(next, { headers: { Authorization: `Bearer ${token}` } }))).toEqual([]);
      await refuseAll(token);
      await refuseAll(renewed);
      expect((await end(token, ids.ada)).status).toBe(404);
    });

    test('G-01 the patient’s organization, and the patient, are told who, why and until when', async () => {
      const { access_token: token } = await signIn('outsider');
      const before = matches(await as(tokens.referrer, `Communication?category=alert&subject=Patient/${ids.ada}`));
      expect((await begin(token, ids.ada, parametersOf({ purpose: { valueCoding: { code: 'BTG' } } }))).status).toBe(
        200,
      );
      const told = await as(
        tokens.referrer,
        `Communication?category=alert&subject=Patient/${ids.ada}&_sort=-sent&_count=1`,
      );
      expect(before).not.toContain(matches(told)[0]);
      const [{ resource }] = told.body.entry;
      expect(resource).toMatchObject({
        status: 'completed',
        priority: 'urgent',
        subject: { reference: `Patient/${ids.ada}` },
        sender: { display: expect.stringContaining('outsider') },
        reasonCode: [{ coding: [{ code: 'BTG' }] }],
        payload: [{ contentString: expect.stringContaining(REASON) }],
      });
      expect((await as(tokens.ada, `Communication/${resource.id}`)).status).toBe(200);
      await end(token, ids.ada);
      expect((await as(token, `Communication/${resource.id}`)).status).toBe(404);
    });

    test('G-01 it ends by its time, and can then be begun for a new reason', async () => {
      const { access_token: token } = await signIn('outsider');
      expect((await begin(token, ids.ada)).status).toBe(200);
      server.clock.forward(29 * MINUTE);
      expect((await as(token, `Observation/${ids.observation}`)).status).toBe(200);
      server.clock.forward(1.1 * MINUTE);
      await refuseAll(token);
      expect((await begin(token, ids.ada)).status).toBe(200);
      expect((await as(token, `Observation/${ids.observation}`)).status).toBe(200);
    });

    test('G-01 the audit trail has each beginning and each end, also of those that ended by themselves', async () => {
      const { access_token: token } = await signIn('outsider');
      const { blobs, store } = await openStore(readConfig(server.settings), server.clock);
      const told = async () => {
        const found: { kind: string; patient: string; reason?: string; name: string }[] = [];
        let page = await store.audit.scan(`p:${ids.ben}`, {}, { size: 100 });
        for (;;) {
          for (const { text } of page.items) {
            const { acts, who } = JSON.parse(text);
            for (const { kind, what, reason } of acts)
              if (kind.startsWith('emergency')) found.push({ kind, patient: what, reason, name: who.name });
          }
          if (page.next === undefined) return found.reverse();
          page = await store.audit.scan(`p:${ids.ben}`, {}, { size: 100, after: page.next });
        }
      };
      const before = (await told()).length;
      const about = { patient: `Patient/${ids.ben}`, name: 'outsider' };
      await begin(token, ids.ben);
      await end(token, ids.ben);
      await begin(token, ids.ben, parametersOf({ reason: { valueString: 'Once more.' } }));
      server.clock.forward(31 * MINUTE);
      for (let n = 0; n < 100 && (await told()).length < before + 4; n += 1) await pause(100);
      expect((await told()).slice(before)).toEqual([
        { kind: 'emergency-start', reason: REASON, ...about },
        { kind: 'emergency-stop', reason: undefined, ...about },
        { kind: 'emergency-start', reason: 'Once more.', ...about },
        { kind: 'emergency-stop', reason: undefined, ...about },
      ]);
      await store.close();
      await blobs.close();
    });

    test('G-01 of two calls at the same moment one begins it', async () => {
      const { access_token: token } = await signIn('outsider');
      const answers = await Promise.all([1, 2, 3, 4].map(() => begin(token, ids.ben)));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
    });
  },
  { BREAK_GLASS_MINUTES: '30' },
);
