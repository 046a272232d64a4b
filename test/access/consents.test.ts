/** C-01, C-02: what patients deny is denied, on every path, to organizations and to people, from the next request on. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readConfig } from '../../src/config.js';
import { systemClock } from '../../src/kit/clock.js';
import { limits } from '../../src/kit/limits.js';
import { openStore, startServer } from '../../src/server.js';
import { describeMongo, freshDatabase } from '../support/mongo.js';
import { ask, describeServer, idsOf, type Answer, type Ask } from '../support/server.js';
import { movedClock } from '../support/smart.js';
import { authenticate, caller } from './callers.js';

type Json = any;
type Caller = Record<'Authorization', string>;
type Role = 'specialist' | 'coordinator' | 'administrator';

const service = (name: string, owner: string) => caller(name, { role: 'system', owner, scopes: 'system/*.cruds' });
const clock = movedClock();
const ref = (reference: string) => ({ reference });
const jpeg = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(100, 1)]);
const HOUR = 3_600_000;

describeServer(
  'Consent',
  (server) => {
    const clinic = service('consent-clinic', 'clinic');
    const hospital = service('consent-hospital', 'hospital');
    let people = 0;

    const send = (path: string, as: Caller, request: Ask = {}): Promise<Answer> =>
      ask(path.startsWith('http') ? path : `${server.base}/${path}`, {
        ...request,
        headers: { ...as, ...request.headers },
      });
    const made = ({ body, status, text }: Answer): string => {
      if (status > 201) throw new Error(`${status} ${text}`);
      return `${body.resourceType}/${body.id}`;
    };
    const post = async (resource: { resourceType: string; [element: string]: unknown }, as: Caller = clinic) =>
      made(await send(resource.resourceType, as, { method: 'POST', body: resource }));
    const set = async (name: string, elements: object, as: Caller = clinic): Promise<Answer> => {
      const { body } = await send(name, as);
      return send(name, as, { method: 'PUT', body: { ...body, ...elements } });
    };
    const upload = async (as: Caller = clinic) =>
      made(await send('Binary', as, { headers: { 'Content-Type': 'image/jpeg' }, body: jpeg }));
    /** Somebody who works there, and what they are in FHIR. */
    const person = async (owner: string, role: Role = 'specialist') => {
      const name = await post({ resourceType: 'Practitioner' }, service(`consent-${owner}`, owner));
      people += 1;
      const token = `consent-person-${people}-${server.base}`;
      return { name, as: caller(token, { role, owner, user: token, fhirUser: name, scopes: 'user/*.cruds' }) };
    };
    const observation = (patient: string, more: object = {}, as: Caller = clinic) =>
      post({ resourceType: 'Observation', status: 'final', code: { text: 'one' }, subject: ref(patient), ...more }, as);
    const consentOf = (patient: string, provision?: object, more: object = {}) => ({
      resourceType: 'Consent',
      status: 'active',
      scope: { coding: [{ code: 'patient-privacy' }] },
      category: [{ text: 'privacy' }],
      policyRule: { text: 'as said' },
      patient: ref(patient),
      ...(provision === undefined ? {} : { provision }),
      ...more,
    });
    const consent = (patient: string, provision?: object, more: object = {}, as = desk.as) =>
      post(consentOf(patient, provision, more), as);
    const actor = (...names: string[]) => names.map((name) => ({ role: { text: 'whoever' }, reference: ref(name) }));
    const statuses = async (names: string[], as: Caller) =>
      (await Promise.all(names.map((name) => send(name, as)))).map(({ status }) => status);
    const all = (names: string[], code: number) => names.map(() => code);

    let desk: Awaited<ReturnType<typeof person>>;
    let b1: typeof desk, b2: typeof desk, a1: typeof desk, a2: typeof desk;
    let organizations = { clinic: '', hospital: '' };

    beforeAll(async () => {
      desk = await person('clinic', 'coordinator');
      b1 = await person('hospital');
      b2 = await person('hospital');
      a1 = await person('clinic');
      a2 = await person('clinic');
      organizations = {
        clinic: await post({ resourceType: 'Organization', name: 'Clinic' }),
        hospital: await post({ resourceType: 'Organization', name: 'Hospital' }, hospital),
      };
    });

    /** A case that is open to the hospital: what is in it, by a short name. */
    async function referred() {
      const patient = await post({ resourceType: 'Patient' });
      const plain = await observation(patient);
      const secret = await observation(patient, { meta: { security: [{ system: 'urn:labels', code: 'R' }] } });
      const bytes = await upload();
      const media = await post({
        resourceType: 'Media',
        status: 'completed',
        subject: ref(patient),
        content: { contentType: 'image/jpeg', url: bytes },
      });
      const request = await post({
        resourceType: 'ServiceRequest',
        status: 'active',
        intent: 'order',
        subject: ref(patient),
        performer: [ref(organizations.hospital)],
        supportingInfo: [plain, secret, media].map(ref),
      });
      const task = await post({
        resourceType: 'Task',
        status: 'requested',
        intent: 'order',
        focus: ref(request),
        for: ref(patient),
        owner: ref(organizations.hospital),
      });
      return { patient, plain, secret, media, bytes, request, task };
    }
    type Case = Awaited<ReturnType<typeof referred>>;
    /** The short names of what somebody sees of it. */
    async function seenOf(one: Case, as: Caller): Promise<string> {
      const names = Object.keys(one) as (keyof Case)[];
      const found = await statuses(
        names.map((name) => one[name]),
        as,
      );
      return names.filter((_name, n) => found[n] === 200).join(' ');
    }

    const EVERYTHING = 'patient plain secret media bytes request task';
    describe('C-01 the patient’s deny wins over a referral', () => {
      type Row = [name: string, provision: () => object | undefined, ofB1: string, ofB2?: string];
      const rows: Row[] = [
        ['nothing said', () => undefined, EVERYTHING],
        ['a deny of everybody outside', () => ({ type: 'deny' }), ''],
        ['a deny of the organization', () => ({ type: 'deny', actor: actor(organizations.hospital) }), ''],
        ['a deny of another organization', () => ({ type: 'deny', actor: actor(organizations.clinic) }), EVERYTHING],
        ['a deny of one person', () => ({ type: 'deny', actor: actor(b1.name) }), '', EVERYTHING],
        [
          'a deny of all but one person',
          () => ({ type: 'deny', provision: [{ type: 'permit', actor: actor(b1.name) }] }),
          EVERYTHING,
          '',
        ],
        [
          'a deny of the organization but for one person',
          () => ({
            type: 'deny',
            actor: actor(organizations.hospital),
            provision: [{ type: 'permit', actor: actor(b1.name) }],
          }),
          EVERYTHING,
          '',
        ],
        [
          'a label',
          () => ({ type: 'deny', securityLabel: [{ system: 'urn:labels', code: 'R' }] }),
          'patient plain media bytes request task',
        ],
        [
          'a label, to one person',
          () => ({ type: 'deny', actor: actor(b1.name), securityLabel: [{ code: 'R' }] }),
          'patient plain media bytes request task',
          EVERYTHING,
        ],
        ['a class', () => ({ type: 'deny', class: [{ code: 'Media' }] }), 'patient plain secret request task'],
        [
          'a class, to one person',
          () => ({ type: 'deny', actor: actor(b1.name), class: [{ code: 'Media' }] }),
          'patient plain secret request task',
          EVERYTHING,
        ],
        [
          'all but a class',
          () => ({ type: 'deny', provision: [{ type: 'permit', class: [{ code: 'Observation' }] }] }),
          'plain secret',
        ],
        ['what cannot be judged', () => ({ type: 'deny', code: [{ text: 'HIV' }] }), ''],
      ];
      test.each(rows)('%s', async (_name, provision, ofB1, ofB2 = ofB1) => {
        const one = await referred();
        const said = provision();
        const [of] =
          (said as { actor?: { reference: { reference: string } }[] } | undefined)?.actor?.map(
            ({ reference }) => reference.reference,
          ) ?? [];
        if (said !== undefined) await consent(one.patient, said);
        expect([await seenOf(one, b1.as), await seenOf(one, b2.as)]).toEqual([ofB1, ofB2]);
        expect(await seenOf(one, a1.as)).toBe(of === organizations.clinic ? '' : EVERYTHING);
        // What is found is what is read.
        const names = Object.values(one);
        const found = await send(`Observation?patient=${one.patient}&_total=accurate`, b1.as);
        const expected = names.filter(
          (name) =>
            name.startsWith('Observation/') && ofB1.split(' ').some((short) => one[short as keyof Case] === name),
        );
        expect([found.body.total, idsOf(found.body).sort()]).toEqual([
          expected.length,
          expected.map((name) => name.split('/')[1]).sort(),
        ]);
        const included = await send(
          `ServiceRequest?patient=${one.patient}&_include=ServiceRequest:supporting-info`,
          b1.as,
        );
        expect((included.body.entry ?? []).length).toBe(
          ofB1.includes('request')
            ? ofB1.split(' ').filter((short) => /plain|secret|media|request/.test(short)).length
            : 0,
        );
      });

      test('a case that is placed, and a resource that is labelled or listed after it, are judged too', async () => {
        const patient = await post({ resourceType: 'Patient' });
        await consent(patient, { type: 'deny', securityLabel: [{ code: 'R' }] });
        const plain = await observation(patient);
        const request = await post({
          resourceType: 'ServiceRequest',
          status: 'active',
          intent: 'order',
          subject: ref(patient),
          performer: [ref(b1.name)],
          supportingInfo: [ref(plain)],
        });
        expect(await statuses([request, plain], b1.as)).toEqual([200, 200]);
        expect((await set(plain, { meta: { security: [{ code: 'R' }] } })).status).toBe(200);
        expect(await statuses([request, plain, `${plain}/_history/1`, `${plain}/_history`], b1.as)).toEqual([
          200, 404, 404, 404,
        ]);
        const more = await observation(patient, { meta: { security: [{ code: 'R' }] } });
        await set(request, { supportingInfo: [ref(plain), ref(more)] });
        expect(await statuses([more], b1.as)).toEqual([404]);
        await set(more, { meta: undefined });
        expect(await statuses([more], b1.as)).toEqual([200]);
        // Whose it is decides which Consents are asked.
        const other = await post({ resourceType: 'Patient' });
        await consent(other, { type: 'deny' });
        await set(more, { subject: ref(other) });
        expect(await statuses([more], b1.as)).toEqual([404]);
      });

      test('L-02 an old version is judged by whom it was about, and by its labels', async () => {
        const [one, other] = [await referred(), await post({ resourceType: 'Patient' })];
        await consent(other, { type: 'deny', actor: actor(organizations.hospital) });
        await consent(one.patient, { type: 'deny', securityLabel: [{ code: 'V' }] });
        const moved = await observation(other);
        await set(moved, { subject: ref(one.patient), meta: { security: [{ code: 'V' }] } });
        await set(moved, { meta: undefined });
        await set(one.request, { supportingInfo: [ref(moved)] });
        const versions = [1, 2, 3].map((n) => `${moved}/_history/${n}`);
        expect(await statuses([moved, ...versions], b1.as)).toEqual([200, 404, 404, 200]);
        expect(await statuses(versions, a1.as)).toEqual([200, 200, 200]);
        for (const path of [`${moved}/_history`, 'Observation/_history?_count=200']) {
          const { body } = await send(path, b1.as);
          const shown = body.entry.filter(({ resource }: Json) => `Observation/${resource?.id}` === moved);
          expect(shown.map(({ resource }: Json) => resource.meta.versionId)).toEqual(['3']);
        }
      });

      test('periods open and close by themselves', async () => {
        const at = (hours: number) => new Date(clock.now() + hours * HOUR).toISOString();
        const [inTwo, toB1] = [await referred(), await referred()];
        const period = { start: at(1), end: at(2) };
        await consent(inTwo.patient, { type: 'deny', period });
        await consent(toB1.patient, { type: 'deny', period, actor: actor(b1.name) });
        const seen = () => Promise.all([inTwo, toB1].map((one) => seenOf(one, b1.as)));
        expect(await seen()).toEqual([EVERYTHING, EVERYTHING]);
        clock.forward(1.5 * HOUR);
        expect(await seen()).toEqual(['', '']);
        expect(await seenOf(toB1, b2.as)).toBe(EVERYTHING);
        clock.forward(HOUR);
        expect(await seen()).toEqual([EVERYTHING, EVERYTHING]);
      });

      test('answers follow the Consents of whoever owns them; what another organization keeps says nothing', async () => {
        const one = await referred();
        const report = await post(
          {
            resourceType: 'DiagnosticReport',
            status: 'final',
            code: { text: 'R' },
            basedOn: [ref(one.request)],
            subject: ref(one.patient),
          },
          b1.as,
        );
        expect(await statuses([report], a1.as)).toEqual([200]);
        await consent(one.patient, { type: 'deny', actor: actor(organizations.hospital) });
        expect([await seenOf(one, b1.as), ...(await statuses([report], a1.as))]).toEqual(['', 200]);
        const theirs = await person('hospital', 'coordinator');
        const said = await consent(one.patient, { type: 'permit' }, { dateTime: '2050-01-01' }, theirs.as);
        expect(await seenOf(one, b1.as)).toBe('');
        await set(said, { provision: { type: 'deny' } }, theirs.as);
        expect(await statuses([report], a1.as)).toEqual([404]);
        expect(await seenOf(one, a1.as)).toBe(EVERYTHING);
      });

      test('bytes follow what shows them in the house that keeps them, and no copy that another house has of it', async () => {
        const one = await referred();
        const patient = await post({ resourceType: 'Patient' }, hospital);
        const content = { contentType: 'image/jpeg', url: one.bytes };
        const copy = await post(
          { resourceType: 'Media', status: 'completed', subject: ref(patient), content },
          hospital,
        );
        const theirs = await person('hospital', 'coordinator');
        await consent(patient, { type: 'deny', actor: actor(b1.name) }, {}, theirs.as);
        expect([await seenOf(one, b1.as), ...(await statuses([copy], b1.as))]).toEqual([EVERYTHING, 404]);
        await consent(one.patient, { type: 'deny', class: [{ code: 'Media' }], actor: actor(b1.name) });
        expect(await seenOf(one, b1.as)).toBe('patient plain secret request task');
        expect(await seenOf(one, b2.as)).toBe(EVERYTHING);
      });

      test('a Consent that comes while a case is placed or listed is not missed', async () => {
        for (let round = 0; round < 4; round += 1) {
          const patient = await post({ resourceType: 'Patient' });
          const plain = await observation(patient);
          const [request, said] = await Promise.all([
            post({
              resourceType: 'ServiceRequest',
              status: 'active',
              intent: 'order',
              subject: ref(patient),
              performer: [ref(b1.name)],
              supportingInfo: [ref(plain)],
            }),
            consent(patient, { type: 'deny' }),
          ]);
          expect(await statuses([request, plain, patient], b1.as)).toEqual([404, 404, 404]);
          await Promise.all([set(said, { status: 'inactive' }, desk.as), set(plain, { status: 'amended' })]);
          expect(await statuses([request, plain, patient], b1.as)).toEqual([200, 200, 200]);
        }
      });
    });

    describe('C-01 what is denied to a person is not there for them, on no path', () => {
      type Denied = Case & { report: string };
      let denied: Denied;
      beforeAll(async () => {
        const one = await referred();
        await set(one.plain, { status: 'amended' });
        denied = {
          ...one,
          report: await post({
            resourceType: 'DiagnosticReport',
            status: 'final',
            code: { text: 'the report' },
            subject: ref(one.patient),
            result: [ref(one.plain)],
          }),
        };
        await consent(one.patient, { type: 'deny', actor: actor(a1.name) });
      });
      const id = (name: string) => name.split('/')[1];
      const looks: [string, (one: Denied) => string, Ask?][] = [
        ['L-01 read', ({ plain }) => plain],
        ['L-01 read of the Patient', ({ patient }) => patient],
        ['L-01 HEAD', ({ plain }) => plain, { method: 'HEAD' }],
        ['L-01 vread', ({ plain }) => `${plain}/_history/1`],
        ['L-02 history', ({ plain }) => `${plain}/_history`],
        ['L-03 search by patient', ({ patient }) => `Observation?patient=${patient}`],
        ['L-03 search by id', ({ plain, secret }) => `Observation?_id=${id(plain)},${id(secret)}`],
        ['L-03 not', ({ patient }) => `Observation?status:not=cancelled&subject=${patient}`],
        ['L-04 total', ({ patient }) => `Observation?subject=${patient}&_summary=count`],
        ['L-05 include', ({ report }) => `DiagnosticReport?_id=${id(report)}&_include=DiagnosticReport:result`],
        ['L-05 revinclude', ({ patient }) => `Patient?_id=${id(patient)}&_revinclude=Observation:subject`],
        ['L-06 chain', ({ report }) => `DiagnosticReport?_id=${id(report)}&result.status=amended`],
        ['L-06 _has', ({ patient }) => `Patient?_id=${id(patient)}&_has:Observation:subject:status=amended`],
        ['L-10 bytes', ({ bytes }) => bytes, { headers: { Accept: 'image/jpeg' } }],
        ['a compartment', ({ patient }) => `${patient}/Observation`],
        ['a Task for the patient', ({ task }) => task],
        [
          'L-08 a conditional update',
          ({ plain }) => `Observation?_id=${id(plain)}`,
          {
            method: 'PATCH',
            headers: { 'Content-Type': 'application/json-patch+json' },
            body: '[{"op":"replace","path":"/status","value":"final"}]',
          },
        ],
        ['L-13 an update', ({ plain }) => plain, { method: 'PUT', body: {} }],
        ['L-13 a delete', ({ media }) => media, { method: 'DELETE' }],
      ];
      test.each(looks)('%s', async (_name, path, request = {}) => {
        // What is not there is compared with what never was, which the same question is asked about.
        const nowhere = Object.fromEntries(
          Object.entries(denied).map(([short, name]) => [short, `${name.split('/')[0]}/never-was-0000`]),
        ) as unknown as Denied;
        const asked = (one: Denied): Ask =>
          request.method === 'PUT'
            ? { ...request, body: { resourceType: 'Observation', id: id(one.plain), status: 'final', code: {} } }
            : request;
        const [hidden, none] = [
          await send(path(denied), a1.as, asked(denied)),
          await send(path(nowhere), a1.as, asked(nowhere)),
        ];
        const plain = ({ status, text }: Answer) => {
          const told = Object.entries(denied).reduce(
            (left, [short, name]) => left.replaceAll(name, short).replaceAll(id(name)!, short),
            text,
          );
          return [
            status,
            told
              .replaceAll(/\w+\/never-was-0000|never-was-0000/g, (name) => name)
              .replace(/"(id|value)":"[0-9a-f-]{36}"/g, '')
              .replace(/"lastUpdated":"[^"]*"/g, ''),
          ];
        };
        expect(hidden.status).toBe(none.status);
        expect(hidden.body?.total ?? 0).toBe(0);
        expect((hidden.body?.entry ?? []).length).toBe(0);
        expect(plain(hidden)[0]).toBe(plain(none)[0]);
        if (request.method === undefined) expect((await send(path(denied), a2.as, request)).status).toBe(200);
      });

      test('L-02 histories of a type and of all', async () => {
        const since = new Date(clock.now() - HOUR).toISOString();
        for (const path of ['Observation/_history', '_history']) {
          const { text } = await send(`${path}?_since=${since}&_count=1000`, a1.as);
          for (const name of Object.values(denied))
            expect([name, text.includes(`"${id(name)}"`)]).toEqual([name, false]);
        }
      });

      test('a cursor that was begun goes on without it', async () => {
        const patient = await post({ resourceType: 'Patient' });
        for (let n = 0; n < 3; n += 1) await observation(patient);
        const first = await send(`Observation?patient=${patient}&_count=1`, a2.as);
        expect(first.body.entry).toHaveLength(1);
        await consent(patient, { type: 'deny', actor: actor(a2.name) });
        const next = first.body.link.find(({ relation }: Json) => relation === 'next').url;
        expect((await send(next, a2.as)).body.entry ?? []).toEqual([]);
      });

      test('the whole organization that keeps the record, and a care team', async () => {
        const [whole, team] = [await referred(), await referred()];
        const careTeam = await post({ resourceType: 'CareTeam', participant: [{ member: ref(b1.name) }] });
        const said = await consent(whole.patient, { type: 'deny', actor: actor(organizations.clinic) });
        await consent(team.patient, { type: 'deny', actor: actor(careTeam) });
        expect([await seenOf(whole, a1.as), await seenOf(whole, clinic), await seenOf(whole, b1.as)]).toEqual([
          '',
          '',
          EVERYTHING,
        ]);
        expect([await seenOf(team, b1.as), await seenOf(team, b2.as), await seenOf(team, a1.as)]).toEqual([
          '',
          EVERYTHING,
          EVERYTHING,
        ]);
        // Who is in the team counts now.
        const role = await post({ resourceType: 'PractitionerRole', practitioner: ref(a1.name) });
        await set(careTeam, { participant: [{ member: ref(role) }] }, desk.as);
        expect([await seenOf(team, b1.as), await seenOf(team, a1.as)]).toEqual([EVERYTHING, '']);
        // Somebody has to be able to take it back.
        expect((await set(said, { status: 'inactive' }, desk.as)).status).toBe(200);
        expect([await seenOf(whole, a1.as), await seenOf(whole, clinic)]).toEqual([EVERYTHING, EVERYTHING]);
      });

      test('who is denied may still write, and does not see what they wrote', async () => {
        const patient = await post({ resourceType: 'Patient' });
        await consent(patient, { type: 'deny', actor: actor(a2.name), class: [{ code: 'Observation' }] });
        const body = { resourceType: 'Observation', status: 'final', code: { text: 'one' }, subject: ref(patient) };
        const written = await send('Observation', a2.as, { body, headers: { Prefer: 'return=representation' } });
        expect([written.status, written.text.includes('"subject"')]).toEqual([201, false]);
        const [, name = ''] = /(Observation\/[^/]+)/.exec(written.headers.get('location') ?? '') ?? [];
        expect([...(await statuses([name], a2.as)), ...(await statuses([name], a1.as))]).toEqual([404, 200]);
        expect((await send(name, a2.as, { method: 'PUT', body: { ...body, id: id(name) } })).status).toBe(404);
      });

      test('nobody widens their own access by a Consent', async () => {
        const one = await referred();
        const self = await person('clinic', 'coordinator');
        const said = await consent(one.patient, {
          type: 'deny',
          actor: actor(self.name),
          class: [{ code: 'Observation' }],
        });
        expect(await statuses([one.plain, one.patient], self.as)).toEqual([404, 200]);
        const newer = consentOf(one.patient, { type: 'permit', actor: actor(self.name) }, { dateTime: '2050-01-01' });
        expect((await send('Consent', self.as, { method: 'POST', body: newer })).status).toBe(403);
        const old = { ...consentOf(one.patient), id: id(said), status: 'inactive' };
        expect((await send(said, self.as, { method: 'PUT', body: old })).status).toBeGreaterThanOrEqual(403);
        expect(
          (await send(`Consent?_id=${id(said)}`, self.as, { method: 'PUT', body: old })).status,
        ).toBeGreaterThanOrEqual(403);
        expect(await statuses([one.plain], self.as)).toEqual([404]);
        for (const as of [a1.as, clinic])
          expect((await send('Consent', as, { method: 'POST', body: newer })).status).toBe(403);
        expect((await send('Consent', desk.as, { method: 'POST', body: newer })).status).toBe(201);
        expect(await statuses([one.plain], self.as)).toEqual([200]);
      });
    });

    test('C-02 a Consent counts from the next request on, and so does its end', async () => {
      const one = await referred();
      for (const provision of [{ type: 'deny' }, { type: 'deny', actor: actor(b1.name) }]) {
        const said = await consent(one.patient, provision);
        expect(await seenOf(one, b1.as)).toBe('');
        await set(said, { status: 'inactive' }, desk.as);
        expect(await seenOf(one, b1.as)).toBe(EVERYTHING);
        await set(said, { status: 'active' }, desk.as);
        expect(await seenOf(one, b1.as)).toBe('');
        const administrator = await person('clinic', 'administrator');
        expect((await send(said, administrator.as, { method: 'DELETE' })).status).toBe(204);
        expect(await seenOf(one, b1.as)).toBe(EVERYTHING);
      }
    });

    test('C-01 the newest that says something decides; a draft, or one about nobody, does not', async () => {
      const one = await referred();
      await consent(one.patient, { type: 'deny' }, { dateTime: '2020-01-01' });
      await consent(one.patient, { type: 'permit', class: [{ code: 'Observation' }] }, { dateTime: '2021-01-01' });
      await consent(one.patient, { type: 'permit' }, { dateTime: '2022-01-01', status: 'draft' });
      await consent(one.patient, { type: 'permit' }, { dateTime: '2022-01-01', patient: undefined });
      expect(await seenOf(one, b1.as)).toBe('plain secret');
    });

    test('whoever writes a Consent is warned of what is judged more strictly', async () => {
      const patient = await post({ resourceType: 'Patient' });
      const body = consentOf(patient, {
        type: 'deny',
        code: [{ text: 'HIV' }],
        provision: [{ type: 'permit', data: [{ meaning: 'instance', reference: ref(patient) }] }],
      });
      const prefer = { Prefer: 'return=OperationOutcome' };
      const written = await send('Consent', desk.as, { method: 'POST', body, headers: prefer });
      const asked = await send('Consent/$validate', desk.as, { method: 'POST', body });
      const places = ({ body: outcome }: Answer) =>
        outcome.issue
          .filter(({ severity }: Json) => severity === 'warning')
          .flatMap(({ expression = [] }: Json) => expression);
      expect(written.status).toBe(201);
      for (const answer of [written, asked])
        expect(places(answer)).toEqual(
          expect.arrayContaining(['Consent.provision.code', 'Consent.provision.provision[0].data']),
        );
    });

    test('G-01 a Consent that refuses emergencies wins, one that does not is what they override', async () => {
      const [ordinary, strict, partly] = [await referred(), await referred(), await referred()];
      const lab = await person('lab');
      await consent(ordinary.patient, { type: 'deny' });
      await consent(strict.patient, { type: 'deny', purpose: [{ code: 'TREAT' }, { code: 'BTG' }] });
      await consent(partly.patient, { type: 'deny', purpose: [{ code: 'ETREAT' }], class: [{ code: 'Observation' }] });
      const asked = (code: string) => ({
        resourceType: 'Parameters',
        parameter: [
          { name: 'reason', valueString: 'Collapsed.' },
          { name: 'purpose', valueCoding: { code } },
        ],
      });
      const begin = ({ patient }: Case) =>
        send(`${patient}/$break-glass`, lab.as, {
          body: asked('ETREAT'),
        });
      expect(await Promise.all([ordinary, strict, partly].map(async (one) => (await begin(one)).status))).toEqual([
        200, 403, 200,
      ]);
      expect([await seenOf(ordinary, lab.as), await seenOf(strict, lab.as), await seenOf(partly, lab.as)]).toEqual([
        'patient plain secret media bytes request',
        '',
        'patient media bytes request',
      ]);
      // What a referral has opened stays so beside it, with its old versions, and nothing else of that organization opens.
      const [open, closed] = [await referred(), await post({ resourceType: 'Patient' })];
      await set(open.plain, { status: 'amended' });
      const elsewhere = await send(`${closed}/$break-glass`, b1.as, { body: asked('ETREAT') });
      expect([elsewhere.status, ...(await statuses([closed, partly.patient], b1.as))]).toEqual([200, 200, 200]);
      expect(await seenOf(open, b1.as)).toBe(EVERYTHING);
      expect(await statuses([`${open.plain}/_history/1`, `${open.task}/_history`], b1.as)).toEqual([200, 200]);
      const found = await send(`Observation?patient=${open.patient}&_total=accurate`, b1.as);
      expect(found.body.total).toBe(2);
      expect(await statuses([await observation(open.patient), organizations.clinic], b1.as)).toEqual([404, 200]);
      // Somebody of the clinic who is denied sees it in an emergency as well.
      await consent(ordinary.patient, { type: 'deny', actor: actor(a2.name) });
      expect(await seenOf(ordinary, a2.as)).toBe('');
      const own = await send(`${ordinary.patient}/$break-glass`, a2.as, {
        body: asked('BTG'),
      });
      expect([own.status, await seenOf(ordinary, a2.as)]).toEqual([200, 'patient plain secret media bytes request']);
      expect(all([ordinary.plain], 404)).toEqual(await statuses([ordinary.task], a2.as));
    });
  },
  {},
  {},
  authenticate,
  clock,
);

describeMongo('Consent at another process', (url) => {
  test('C-02 counts there within a second', async () => {
    const settings = {
      PORT: '0',
      LOG_LEVEL: 'silent',
      STORE: 'mongodb',
      MONGODB_URL: url,
      MONGODB_DATABASE: freshDatabase(),
    };
    const folder = await mkdtemp(join(tmpdir(), 'afferent-consent-'));
    const config = readConfig({ ...settings, DATA_DIR: folder, REFERENTIAL_INTEGRITY: 'off' });
    const start = () => startServer(config, systemClock, limits, authenticate);
    const [here, there] = [await start(), await start()];
    try {
      const ward = service('consent-ward', 'ward');
      const create = async (resource: object & { resourceType: string }, as: Caller): Promise<string> =>
        (await ask(`${here.base}/${resource.resourceType}`, { body: resource, headers: as })).body.id;
      const doctor = `Practitioner/${await create({ resourceType: 'Practitioner' }, ward)}`;
      const as = caller('consent-ward-doctor', {
        role: 'specialist',
        owner: 'ward',
        user: 'd',
        fhirUser: doctor,
        scopes: 'user/*.rs',
      });
      const desk = caller('consent-ward-desk', {
        role: 'coordinator',
        owner: 'ward',
        user: 'c',
        scopes: 'user/*.cruds',
      });
      const patient = await create({ resourceType: 'Patient' }, ward);
      const seen = async () => (await ask(`${there.base}/Patient/${patient}`, { headers: as })).status;
      expect(await seen()).toBe(200);
      const resource = {
        resourceType: 'Consent',
        status: 'active',
        scope: { text: 'privacy' },
        category: [{ text: 'privacy' }],
        policyRule: { text: 'as said' },
        patient: ref(`Patient/${patient}`),
        provision: { type: 'deny', actor: [{ role: { text: 'whoever' }, reference: ref(doctor) }] },
      };
      const said = await create(resource, desk);
      const written = performance.now();
      while ((await seen()) === 200) await pause(20);
      expect(performance.now() - written).toBeLessThan(1000 + SLOW_MS);
      // One that names a role of a person counts there too: it is not the person who is named.
      const nurse = `Practitioner/${await create({ resourceType: 'Practitioner' }, ward)}`;
      const having = { resourceType: 'PractitionerRole', practitioner: ref(nurse) };
      const role = await create(having, ward);
      const asNurse = caller('consent-ward-nurse', {
        role: 'specialist',
        owner: 'ward',
        user: 'n',
        fhirUser: nurse,
        scopes: 'user/*.rs',
      });
      const seenByNurse = async () => (await ask(`${there.base}/Patient/${patient}`, { headers: asNurse })).status;
      expect(await seenByNurse()).toBe(200);
      const actor = [{ role: { text: 'whoever' }, reference: ref(`PractitionerRole/${role}`) }];
      const denying = { ...resource, provision: { type: 'deny', actor } };
      await create(denying, desk);
      const named = performance.now();
      while ((await seenByNurse()) === 200) await pause(20);
      expect(performance.now() - named).toBeLessThan(1000 + SLOW_MS);
      // A server that starts knows of whom Consents speak, also when that was never noted.
      const { store, blobs } = await openStore(config, systemClock);
      await store.keeping.setNote('judged', undefined);
      const via = `Consent/${said}`;
      const was = (await store.sharing.of([via])).get(via)!.generation;
      await store.write([], [], undefined, undefined, { opened: [{ via, was, openings: [] }] });
      await store.close();
      await blobs.close();
      const third = await start();
      expect((await ask(`${third.base}/Patient/${patient}`, { headers: as })).status).toBe(404);
      await third.stop();
    } finally {
      await here.stop();
      await there.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});

/** A machine that is busy with others answers later. */
const SLOW_MS = 1500;
