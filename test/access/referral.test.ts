/** What a referral opens, to whom, and when it ends: between two organizations and a third, through HTTP on both stores. */
import { ask, describeServer, idsOf, type Answer, type Ask } from '../support/server.js';
import { movedClock } from '../support/smart.js';
import { authenticate, caller } from './callers.js';

type Json = any;
interface Caller {
  Authorization: string;
}

const staff = (name: string, owner: string, role: 'specialist' | 'coordinator' | 'administrator' | 'auditor') =>
  caller(name, { role, owner, user: name, scopes: 'user/*.cruds' });
const service = (name: string, owner: string) => caller(name, { role: 'system', owner, scopes: 'system/*.cruds' });

const clinic = service('sharing-clinic', 'clinic');
const hospital = service('sharing-hospital', 'hospital');
const lab = service('sharing-lab', 'lab');
const specialist = staff('sharing-specialist', 'hospital', 'specialist');
const outsider = staff('sharing-outsider', 'lab', 'administrator');

const REQUEST_STATUSES = ['draft', 'active', 'on-hold', 'completed', 'revoked', 'entered-in-error', 'unknown'];
const TASK_STATUSES =
  'draft requested received accepted rejected ready cancelled in-progress on-hold failed completed entered-in-error'.split(
    ' ',
  );
/** As docs/sharing.md says it. */
const OPEN = /^(active|on-hold|completed|requested|received|accepted|ready|in-progress)$/;

const DAY_MS = 24 * 3600 * 1000;
const clock = movedClock();
const ref = (reference: string) => ({ reference });
const jpeg = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(100, 1)]);

describeServer(
  'a referral',
  (server) => {
    const send = (path: string, as: Caller, request: Ask = {}): Promise<Answer> =>
      ask(`${server.base}/${path}`, { ...request, headers: { ...as, ...request.headers } });
    const post = async (
      resource: { resourceType: string; [element: string]: unknown },
      as = clinic,
    ): Promise<string> => {
      const { body, status, text } = await send(resource.resourceType, as, { method: 'POST', body: resource });
      if (status !== 201) throw new Error(`${status} ${text}`);
      return `${resource.resourceType}/${body.id}`;
    };
    const change = async (name: string, changed: (resource: Json) => Json, as = clinic): Promise<Answer> => {
      const { body } = await send(name, as);
      return send(name, as, { method: 'PUT', body: changed(body) });
    };
    const set = async (name: string, elements: object, as = clinic): Promise<void> => {
      const { status, text } = await change(name, (resource) => ({ ...resource, ...elements }), as);
      if (status !== 200) throw new Error(`${status} ${text}`);
    };
    const upload = async (as = clinic): Promise<string> => {
      const { body } = await send('Binary', as, { headers: { 'Content-Type': 'image/jpeg' }, body: jpeg });
      return `Binary/${body.id}`;
    };
    const status = async (name: string, as: Caller = specialist): Promise<number> => (await send(name, as)).status;
    const statuses = (names: string[], as: Caller = specialist) => Promise.all(names.map((name) => status(name, as)));
    const all = (names: string[], code: number) => names.map(() => code);

    let [patient, organization, doctor, own] = ['', '', '', ''];
    const request = (more: object = {}) =>
      post({ resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject: ref(patient), ...more });
    const task = (more: object = {}, as = clinic) =>
      post({ resourceType: 'Task', status: 'requested', intent: 'order', ...more }, as);
    const observation = (more: object = {}, as = clinic) =>
      post({ resourceType: 'Observation', status: 'final', code: { text: 'one' }, subject: ref(patient), ...more }, as);
    const media = (more: object = {}, as = clinic) =>
      post({ resourceType: 'Media', status: 'completed', content: { title: 'a photo' }, ...more }, as);
    const named = { owner: ref('') };

    beforeEach(async () => {
      patient = await post({ resourceType: 'Patient' });
    });
    beforeAll(async () => {
      organization = await post({ resourceType: 'Organization', name: 'Hospital' }, hospital);
      doctor = await post({ resourceType: 'Practitioner' }, hospital);
      own = await post({ resourceType: 'Practitioner' });
      named.owner = ref(doctor);
    });

    describe('T-02 is open by the statuses of the request and of the Tasks that name', () => {
      test.each(REQUEST_STATUSES)(
        'a request that is %s, with no Task, and with one in each status',
        async (said) => {
          const isOpen = OPEN.test(said);
          const alone = await request({ status: said, performer: [ref(doctor)] });
          expect([said, await status(alone)]).toEqual([said, isOpen ? 200 : 404]);
          for (const of of TASK_STATUSES) {
            const one = await request({ status: said });
            expect([said, await status(one)]).toEqual([said, 404]);
            const by = await task({ status: of, focus: ref(one), ...named });
            const expected = isOpen && OPEN.test(of) ? 200 : 404;
            expect([said, of, ...(await statuses([one, by]))]).toEqual([said, of, expected, expected]);
          }
        },
        60_000,
      );

      test.each(TASK_STATUSES)('a Task alone that is %s', async (said) => {
        const listed = await observation();
        const one = await task({ status: said, focus: ref(listed), for: ref(patient), ...named });
        const expected = OPEN.test(said) ? 200 : 404;
        expect(await statuses([one, listed])).toEqual([expected, expected]);
      });

      test('Tasks that name decide, whatever the request’s performers say; one open Task is enough', async () => {
        const one = await request({ performer: [ref(doctor)] });
        expect(await status(one)).toBe(200);
        const declined = await task({ status: 'rejected', focus: ref(one), ...named });
        expect(await statuses([one, declined])).toEqual([404, 404]);
        const asked = await task({ focus: ref(one), ...named });
        expect(await statuses([one, declined, asked])).toEqual([200, 200, 200]);
        const inHouse = await task({ focus: ref(one), owner: ref(own) });
        expect(await status(inHouse)).toBe(404);
      });

      test('a completed one is open for REFERRAL_DAYS from when it became so, whatever is written since', async () => {
        const byRequest = await request({ performer: [ref(doctor)] });
        const one = await request();
        const byTask = await task({ focus: ref(one), status: 'completed', ...named });
        await set(byRequest, { status: 'completed' });
        clock.forward(9 * DAY_MS);
        await set(byRequest, { note: [{ text: 'still completed' }] });
        await set(byTask, { description: 'still completed' });
        clock.forward(DAY_MS - 60_000);
        expect(await statuses([byRequest, one, byTask])).toEqual([200, 200, 200]);
        clock.forward(61_000);
        expect(await statuses([byRequest, one, byTask, patient])).toEqual([404, 404, 404, 404]);
        await set(byRequest, { status: 'active' });
        await set(byRequest, { status: 'completed' });
        expect(await status(byRequest)).toBe(200);
      });
    });

    describe('T-02 names', () => {
      const kinds: [string, () => Promise<string>][] = [
        ['Organization', () => Promise.resolve(organization)],
        ['Practitioner', () => Promise.resolve(doctor)],
        ['PractitionerRole', () => post({ resourceType: 'PractitionerRole', practitioner: ref(doctor) }, hospital)],
        ['CareTeam', () => post({ resourceType: 'CareTeam', name: 'On call' }, hospital)],
        ['HealthcareService', () => post({ resourceType: 'HealthcareService', name: 'Skin' }, hospital)],
      ];
      test.each(kinds)('an organization by its %s: as performer, owner or recipient', async (type, make) => {
        const by = ref(await make());
        const performer = type === 'HealthcareService' ? [{ ...by, type }] : [by];
        const asked = await request({ performer });
        const [owned, received] = [await request(), await request()];
        const tasks = [
          await task({ focus: ref(owned), owner: by }),
          await task({ focus: ref(received), restriction: { recipient: [ref(own), by] } }),
        ];
        expect(await statuses([asked, owned, received, ...tasks])).toEqual(all(['', '', '', '', ''], 200));
        expect(await statuses([asked, owned, received, ...tasks], outsider)).toEqual(all(['', '', '', '', ''], 404));
      });

      test('nobody by other elements, and nobody for whom others write', async () => {
        const place = await post({ resourceType: 'Location', name: 'Room' }, hospital);
        const one = await request({ requester: ref(doctor), locationReference: [ref(place)] });
        const two = await task({ requester: ref(doctor), focus: ref(await observation()) });
        expect(await statuses([one, two])).toEqual([404, 404]);
        const asked = await request({ performer: [ref(await post({ resourceType: 'Practitioner' }, lab))] });
        await post({ resourceType: 'Task', status: 'requested', intent: 'order', focus: ref(asked), ...named }, lab);
        expect(await statuses([asked])).toEqual([404]);
      });

      test('a Task that comes, goes to another, or is about another request moves what is open', async () => {
        const [first, second] = [await request(), await request()];
        const one = await task({ focus: ref(first), ...named });
        expect(await statuses([first, second])).toEqual([200, 404]);
        await send(one, staff('sharing-mover', 'clinic', 'coordinator'), {
          method: 'PUT',
          body: { ...(await send(one, clinic)).body, focus: ref(second) },
        });
        expect(await statuses([first, second])).toEqual([404, 200]);
        expect((await send(one, clinic, { method: 'DELETE' })).status).toBe(204);
        expect(await statuses([first, second, one])).toEqual([404, 404, 404]);
      });
    });

    describe('T-02 opens exactly the case', () => {
      test('what is listed, the answers with their pictures and forms, the patient; and nothing that it leads to', async () => {
        const [shownByMedia, shownByAnswer, shownElsewhere, photo] = await Promise.all([
          upload(),
          upload(),
          upload(),
          upload(),
        ]);
        await set(patient, { photo: [{ contentType: 'image/jpeg', url: photo }] });
        const url = 'http://clinic.example/form';
        const form = (version: string) =>
          post({
            resourceType: 'Questionnaire',
            status: 'active',
            url,
            version,
            item: [{ linkId: 'a', type: 'reference' }],
          });
        const forms = [await form('1'), await form('2')];
        const answered = await media({ content: { url: shownByAnswer } });
        const document = await post({
          resourceType: 'DocumentReference',
          status: 'current',
          content: [{ attachment: { title: 'a letter' } }],
        });
        const response = (more: object) =>
          post({
            resourceType: 'QuestionnaireResponse',
            status: 'completed',
            questionnaire: `${url}|1`,
            item: [{ linkId: 'a', answer: [{ valueReference: ref(answered) }] }],
            ...more,
          });
        const source = await observation();
        const listed = await observation({ hasMember: [ref(source)] });
        const encounter = await post({
          resourceType: 'Encounter',
          status: 'finished',
          class: { code: 'AMB' },
          subject: ref(patient),
        });
        const one = await request({
          supportingInfo: [ref(listed)],
          encounter: ref(encounter),
          performer: [ref(doctor)],
        });
        const about = [
          await media({ basedOn: [ref(one)], content: { url: shownByMedia }, subject: ref(patient) }),
          await response({ basedOn: [ref(one)], item: [{ linkId: 'a', answer: [{ valueReference: ref(document) }] }] }),
        ];
        const input = await response({});
        const handed = await task({
          focus: ref(one),
          for: ref(patient),
          input: [{ type: { text: 'answers' }, valueReference: ref(input) }],
          ...named,
        });
        const others = [
          source,
          encounter,
          forms[1] ?? '',
          shownElsewhere,
          await observation({ basedOn: [ref(one)] }),
          await media({ subject: ref(patient), content: { url: shownElsewhere } }),
          await post({ resourceType: 'Patient' }),
        ];
        const opened = [one, patient, listed, ...about, input, handed, answered, document, forms[0] ?? ''];
        const bytes = [shownByMedia, shownByAnswer, photo];
        expect(await statuses(opened)).toEqual(all(opened, 200));
        expect(await statuses(bytes)).toEqual(all(bytes, 200));
        expect(await statuses(others)).toEqual(all(others, 404));
        expect(await statuses([...opened, ...bytes], outsider)).toEqual(all([...opened, ...bytes], 404));
        // A canonical without a version means all of that URL.
        await set(input, { questionnaire: url, status: 'amended' });
        expect(await status(forms[1] ?? '')).toBe(200);
        // What leaves the list, or shows other bytes, leaves the case with all that only it led to.
        await set(handed, { input: undefined });
        expect(await statuses([input, answered, shownByAnswer, forms[1] ?? ''])).toEqual([404, 404, 404, 404]);
        await set(about[0] ?? '', { content: { url: shownElsewhere } });
        expect(await statuses([shownByMedia, shownElsewhere])).toEqual([404, 200]);
        await set(one, { supportingInfo: undefined });
        expect(await status(listed)).toBe(404);
        expect((await send(about[0] ?? '', clinic, { method: 'DELETE' })).status).toBe(204);
        expect(await statuses([about[0] ?? '', shownElsewhere])).toEqual([404, 404]);
      }, 30_000);

      test('a group is no patient; what belongs to another organization is not opened by a list', async () => {
        const group = await post({ resourceType: 'Group', type: 'person', actual: true });
        const one = await request({ subject: ref(group), performer: [ref(doctor)] });
        expect(await statuses([one, group])).toEqual([200, 404]);
        const theirs = await observation({ subject: undefined }, lab);
        // The lab's observation is the clinic's to see by a referral of the lab, and not the clinic's to show.
        const clinician = await post({ resourceType: 'Practitioner' });
        const asked = await post(
          {
            resourceType: 'ServiceRequest',
            status: 'active',
            intent: 'order',
            subject: { display: 'somebody' },
            supportingInfo: [ref(theirs)],
            performer: [ref(clinician)],
          },
          lab,
        );
        expect(await statuses([asked, theirs], clinic)).toEqual([200, 200]);
        const on = await request({ supportingInfo: [ref(theirs)], performer: [ref(doctor)] });
        expect(await statuses([on, theirs])).toEqual([200, 404]);
      });

      test('every way to look shows the case and no more: search, totals, includes, chains, history, cursors', async () => {
        const about = await post({ resourceType: 'Patient', name: [{ family: 'Ways' }] });
        const [shown, hidden] = [
          await observation({ subject: ref(about) }),
          await observation({ subject: ref(about) }),
        ];
        const one = await request({ subject: ref(about), supportingInfo: [ref(shown)], performer: [ref(doctor)] });
        const id = (name: string) => name.slice(name.indexOf('/') + 1);
        const found = async (query: string, as: Caller = specialist) => {
          const { body, status: code } = await send(query, as);
          return [
            code,
            ...(body.entry ?? []).map((entry: Json) => `${entry.resource.resourceType}/${entry.resource.id}`).sort(),
          ];
        };
        expect(await found(`Observation?subject=${about}`)).toEqual([200, shown]);
        expect((await send(`Observation?subject=${about}&_summary=count`, specialist)).body.total).toBe(1);
        expect((await send(`Observation?subject=${about}&_total=accurate&_count=1`, specialist)).body.total).toBe(1);
        expect(
          await found('Patient?family=ways&_revinclude=Observation:subject&_revinclude=ServiceRequest:subject'),
        ).toEqual([200, shown, about, one].sort((a, b) => (a === 200 ? -1 : b === 200 ? 1 : a < b ? -1 : 1)));
        expect(await found(`ServiceRequest?_id=${id(one)}&_include=ServiceRequest:supporting-info`)).toEqual([
          200,
          shown,
          one,
        ]);
        expect(await found('Observation?subject:Patient.family=ways')).toEqual([200, shown]);
        expect(await found('Patient?family=ways&_has:Observation:subject:status=final')).toEqual([200, about]);
        expect(await found(`Patient/${id(about)}/Observation`)).toEqual([200, shown]);
        expect(await found(`${shown}/_history`)).toEqual([200, shown]);
        expect(await statuses([`${shown}/_history/1`, `${hidden}/_history/1`, `${hidden}/_history`])).toEqual([
          200, 404, 404,
        ]);
        const recent = await found('Observation/_history?_count=1000');
        expect([recent.includes(shown), recent.includes(hidden)]).toEqual([true, false]);
        expect((await found('_history?_count=1000')).includes(hidden)).toBe(false);
        for (const query of [`Observation?subject=${about}`, 'Patient?family=ways', `Observation?_id=${id(shown)}`])
          expect([query, ...(await found(query, outsider))]).toEqual([query, 200]);
        // A chain through what is hidden finds nothing: not even by yes or no.
        await set(hidden, { status: 'amended' });
        expect(await found('Patient?family=ways&_has:Observation:subject:status=amended')).toEqual([200]);
      });

      test('an auditor sees no case, only whom there is', async () => {
        const auditor = staff('sharing-auditor', 'hospital', 'auditor');
        const one = await request({ performer: [ref(doctor)] });
        expect(await statuses([one, patient, organization, own], auditor)).toEqual([403, 403, 200, 200]);
      });

      test('more than a referral may open is refused, and says where', async () => {
        const some = await Promise.all(Array.from({ length: 4 }, () => observation()));
        const listed = Array.from({ length: 501 }, (_, n) => ref(some[n % 4] ?? ''));
        expect(await status(await request({ supportingInfo: listed, performer: [ref(doctor)] }))).toBe(200);
        const many = Array.from({ length: 2001 }, (_, n) => `Observation/none-${n}`);
        const refused = await send('ServiceRequest', clinic, {
          body: {
            resourceType: 'ServiceRequest',
            status: 'active',
            intent: 'order',
            subject: ref(patient),
            supportingInfo: many.map(ref),
            performer: [ref(doctor)],
          },
        });
        expect([refused.status, refused.body.issue[0].expression]).toEqual([422, ['ServiceRequest.supportingInfo']]);
      });
    });

    describe('T-03 answers', () => {
      test('are whose they are, are seen by the one who asked, and stay given', async () => {
        const one = await request({ performer: [ref(doctor)] });
        const handed = await task({ focus: ref(one), ...named });
        const bytes = await upload(hospital);
        const result = await observation({ subject: ref(patient) }, hospital);
        const picture = await media({ content: { url: bytes } }, hospital);
        const unrelated = await observation({ subject: ref(patient) }, hospital);
        const report = await post(
          {
            resourceType: 'DiagnosticReport',
            status: 'final',
            code: { text: 'report' },
            subject: ref(patient),
            basedOn: [ref(one)],
            result: [ref(result)],
            media: [{ link: ref(picture) }],
          },
          specialist,
        );
        const message = await post(
          { resourceType: 'Communication', status: 'completed', about: [ref(one)] },
          specialist,
        );
        const based = await observation({ basedOn: [ref(one)] }, specialist);
        const output = await observation({ subject: ref(patient) }, hospital);
        expect(await statuses([output, unrelated], clinic)).toEqual([404, 404]);
        await set(
          handed,
          { status: 'accepted', output: [{ type: { text: 'result' }, valueReference: ref(output) }] },
          specialist,
        );
        const answers = [report, message, based, result, picture, bytes, output];
        expect(await statuses(answers, clinic)).toEqual(all(answers, 200));
        expect(await statuses(answers, outsider)).toEqual(all(answers, 404));
        expect(await status(unrelated, clinic)).toBe(404);
        const { body } = await send(`DiagnosticReport?based-on=${one}&_include=DiagnosticReport:result`, clinic);
        expect(body.entry).toHaveLength(2);
        // Neither edits the other's.
        for (const [name, as] of [
          [report, clinic],
          [one, specialist],
          [patient, specialist],
        ] as const) {
          const now = (await send(name, as)).body;
          expect((await send(name, as, { method: 'PUT', body: now })).status).toBe(403);
          expect((await send(name, as, { method: 'DELETE' })).status).toBe(403);
        }
        await set(one, { status: 'revoked' });
        expect(await statuses([one, patient])).toEqual([404, 404]);
        expect(await statuses(answers, clinic)).toEqual(all(answers, 200));
        // What the report named while it could may stay named; anything else of that organization may not come.
        await set(report, { conclusion: 'amended later', status: 'amended' }, specialist);
        expect((await send(report, clinic)).body.conclusion).toBe('amended later');
        const stranger = await post({ resourceType: 'Patient' });
        const more = await change(report, (was) => ({ ...was, subject: ref(stranger) }), specialist);
        expect(more.status).toBe(422);
      });

      test('a Task alone is answered by what is based on it, is part of it, or is about it', async () => {
        const one = await task({ focus: ref(await observation()), ...named });
        const answers = [
          await observation({ subject: undefined, basedOn: [{ ...ref(one), type: 'Task' }] }, hospital).catch(() => ''),
          await post(
            { resourceType: 'Procedure', status: 'completed', subject: { display: 'x' }, partOf: [ref(one)] },
            hospital,
          ).catch(() => ''),
          await post({ resourceType: 'Communication', status: 'completed', partOf: [ref(one)] }, hospital),
          await task({ focus: ref(one) }, hospital),
        ].filter((name) => name !== '');
        expect(answers.length).toBeGreaterThan(1);
        expect(await statuses(answers, clinic)).toEqual(all(answers, 200));
      });

      test('nobody opens by naming as output what they do not see', async () => {
        const secret = await observation({ subject: undefined }, hospital);
        const handed = await task({ focus: ref(await observation()), ...named });
        const thief = await change(
          handed,
          (was) => ({ ...was, output: [{ type: { text: 'x' }, valueReference: ref(secret) }] }),
          clinic,
        );
        expect(thief.status).toBe(422);
        expect(await status(secret, clinic)).toBe(404);
      });
    });

    test('a form of the case checks the answers of whom it is open to; one that comes later opens with them', async () => {
      const url = `http://clinic.example/${patient}`;
      const form = (version: string) =>
        post({
          resourceType: 'Questionnaire',
          status: 'active',
          url,
          version,
          item: [{ linkId: 'a', type: 'boolean', text: 'Is it?' }],
        });
      const answers = (item: object[], more: object = {}) => ({
        resourceType: 'QuestionnaireResponse',
        status: 'completed',
        questionnaire: url,
        item,
        ...more,
      });
      const [wrong, right] = [
        [{ linkId: 'b', answer: [{ valueBoolean: true }] }],
        [{ linkId: 'a', answer: [{ valueBoolean: true }] }],
      ];
      const first = await form('1');
      const unchecked = await send('QuestionnaireResponse/$validate', specialist, { body: answers(wrong) });
      expect([unchecked.status, unchecked.text.includes('is not on this server')]).toEqual([200, true]);
      const one = await request({ performer: [ref(doctor)] });
      await post(answers(right, { basedOn: [ref(one)] }));
      expect(await status(first)).toBe(200);
      const refused = await send('QuestionnaireResponse', specialist, { body: answers(wrong) });
      expect([refused.status, refused.body.issue[0].expression]).toEqual([422, ['QuestionnaireResponse.item[0]']]);
      expect(await status(await form('2'))).toBe(200);
      await set(one, { status: 'revoked' });
      expect(await status(first)).toBe(404);
    });

    test('many who add to one case at once all do', async () => {
      const one = await request({ performer: [ref(doctor)] });
      const added = await Promise.all(Array.from({ length: 24 }, () => media({ basedOn: [ref(one)] })));
      expect(await statuses(added)).toEqual(all(added, 200));
    }, 30_000);

    test('the directory is open to everybody for reading, and its owner’s to write', async () => {
      const entries = [
        await post({ resourceType: 'Organization', name: 'x' }, hospital),
        await post({ resourceType: 'Practitioner' }, hospital),
        await post({ resourceType: 'PractitionerRole' }, hospital),
        await post({ resourceType: 'HealthcareService' }, hospital),
        await post({ resourceType: 'Location', name: 'x' }, hospital),
        await post({ resourceType: 'OrganizationAffiliation' }, hospital),
        await post(
          {
            resourceType: 'Endpoint',
            status: 'active',
            connectionType: { code: 'hl7-fhir-rest' },
            payloadType: [{ text: 'any' }],
            address: 'https://hospital.example',
          },
          hospital,
        ),
      ];
      const team = await post({ resourceType: 'CareTeam', name: 'x' }, hospital);
      expect(await statuses([...entries, team], outsider)).toEqual(all([...entries, team], 200));
      for (const name of entries) {
        const { body } = await send(name, outsider);
        expect((await send(name, outsider, { method: 'PUT', body })).status).toBe(403);
      }
      const theirs = await post({ resourceType: 'Patient' }, hospital);
      await set(team, { subject: ref(theirs) }, hospital);
      expect(await status(team, outsider)).toBe(404);
      await set(team, { subject: undefined, name: 'y' }, hospital);
      expect(await status(team, outsider)).toBe(200);
      const others = [
        await post({ resourceType: 'Medication' }, hospital),
        await post({ resourceType: 'Questionnaire', status: 'active' }, hospital),
      ];
      expect(await statuses(others, outsider)).toEqual([404, 404]);
      expect(idsOf((await send('Practitioner?_count=1000', outsider)).body).length).toBeGreaterThan(1);
    });
  },
  {},
  { REFERENTIAL_INTEGRITY: 'enforce', REFERRAL_DAYS: '10' },
  authenticate,
  clock,
);

describeServer(
  'a referral where references may lead nowhere yet',
  (server) => {
    const send = (path: string, as: Caller, request: Ask = {}): Promise<Answer> =>
      ask(`${server.base}/${path}`, { ...request, headers: { ...as, ...request.headers } });
    const importer = staff('sharing-importer', 'clinic', 'administrator');
    const office = staff('sharing-office', 'hospital', 'administrator');
    const put = async (resource: { resourceType: string; id: string; [element: string]: unknown }, as = importer) => {
      const { status, text } = await send(`${resource.resourceType}/${resource.id}`, as, {
        method: 'PUT',
        body: resource,
      });
      if (status > 201) throw new Error(`${status} ${text}`);
    };
    const status = async (name: string, as = specialist): Promise<number> => (await send(name, as)).status;

    test('whatever comes last opens it: who is named, what is listed, the request of a Task', async () => {
      const [subject, who] = [ref('Patient/late'), ref('Practitioner/late-doctor')];
      const asked = { status: 'active', intent: 'order', subject };
      await put({
        resourceType: 'ServiceRequest',
        id: 'early',
        ...asked,
        performer: [who],
        supportingInfo: [ref('Observation/late')],
      });
      await put({
        resourceType: 'Task',
        id: 'early',
        status: 'requested',
        intent: 'order',
        focus: ref('ServiceRequest/late'),
        owner: who,
      });
      expect([await status('ServiceRequest/early'), await status('Task/early')]).toEqual([404, 404]);
      await put({ resourceType: 'Practitioner', id: 'late-doctor' }, office);
      expect([await status('ServiceRequest/early'), await status('Task/early')]).toEqual([200, 200]);
      await put({ resourceType: 'Patient', id: 'late' });
      await put({ resourceType: 'Observation', id: 'late', status: 'final', code: { text: 'late' } });
      await put({ resourceType: 'ServiceRequest', id: 'late', ...asked, status: 'draft' });
      const names = ['Patient/late', 'Observation/late', 'ServiceRequest/late', 'Task/early'];
      expect(await Promise.all(names.map((name) => status(name)))).toEqual([200, 200, 404, 404]);
    });

    test('nobody opens by naming as output what they do not see, whether it is there or not', async () => {
      await put({ resourceType: 'Observation', id: 'secret', status: 'final', code: { text: 'x' } }, office);
      for (const name of ['Observation/secret', 'Observation/nowhere']) {
        const output = [{ type: { text: 'x' }, valueReference: ref(name) }];
        const body = { resourceType: 'Task', status: 'draft', intent: 'order', output };
        expect([name, (await send('Task', clinic, { body })).status]).toEqual([name, 422]);
      }
      expect(await status('Observation/secret', clinic)).toBe(404);
    });
  },
  {},
  { REFERENTIAL_INTEGRITY: 'off' },
  authenticate,
);
