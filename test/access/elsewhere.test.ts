/**
 * Lines of the leakage checklist about features that this server has not got, or has in a shape of its own. That it has
 * not got them is tested too, so that whoever adds one finds its line here. (docs/sharing.md)
 */
import { ask, describeServer, type Answer } from '../support/server.js';
import { authenticate, caller } from './callers.js';

const staff = (name: string, role: 'specialist' | 'administrator', at: string) =>
  caller(name, { role, owner: `Organization/${at}`, scopes: 'user/*.cruds', user: name });
const north = () => staff('elsewhere-north', 'specialist', 'north');
const south = () => staff('elsewhere-south', 'specialist', 'south');

const observation = (more: object = {}) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { text: 'one' },
  ...more,
});

/** What would read many resources at once, or one in another way. */
const READING = [
  '/Patient/ID/$everything',
  '/Composition/ID/$document',
  '/Observation/$lastn',
  '/Patient/$match',
  '/Patient/ID/$graph',
  '/Observation/ID/$meta',
  '/Observation/ID/$diff',
  '/$graphql',
  '/Observation/ID/$graphql',
];
const EXPORTING = ['/$export', '/Patient/$export', '/Group/ID/$export', '/$import'];

describeServer(
  'what is not served, and what nobody keeps',
  (server) => {
    let foreign: Answer;
    beforeAll(async () => {
      foreign = await ask(`${server.base}/Observation`, { headers: north(), body: observation({ id: 'x' }) });
      expect(foreign.status).toBe(201);
    });

    test.each(READING)('L-07 %s is not served, whoever owns what it is about', async (path) => {
      const url = (id: string) => `${server.base}${path.replace('ID', id)}`;
      const answers = await Promise.all(
        ['GET', 'POST'].flatMap((method) =>
          [foreign.body.id as string, 'never-was-0000'].map((id) =>
            ask(url(id), { method, headers: south(), ...(method === 'POST' ? { body: parameters } : {}) }),
          ),
        ),
      );
      const told = answers.map(({ status, text }) => ({ status, shows: text.includes('"one"') }));
      expect(told.every(({ status, shows }) => (status === 404 || status === 405) && !shows)).toBe(true);
      expect(answers[0]?.status).toBe(answers[1]?.status);
      expect(answers[2]?.status).toBe(answers[3]?.status);
    });

    test('L-07 $validate of what is another organization’s says what it says of what never was', async () => {
      const asked = (id: string) => ask(`${server.base}/Observation/${id}/$validate`, { headers: south() });
      const [there, never] = [await asked(foreign.body.id as string), await asked('never-was-0000')];
      expect(there.status).toBe(404);
      expect(there.text.replaceAll(foreign.body.id, 'ID')).toBe(never.text.replaceAll('never-was-0000', 'ID'));
    });

    test('L-07 a contained resource is seen with what contains it, and is found by nothing else', async () => {
      const contained = [{ resourceType: 'Patient', id: 'p', name: [{ family: 'Inside' }] }];
      const body = observation({ contained, subject: { reference: '#p' } });
      expect((await ask(`${server.base}/Observation`, { headers: north(), body })).status).toBe(201);
      for (const as of [north(), south()]) {
        const found = await ask(`${server.base}/Patient?name=Inside&_total=accurate`, { headers: as });
        expect(found.body).toMatchObject({ total: 0 });
      }
    });

    test.each(EXPORTING)('L-12 %s is not served: there is no job whose files another could fetch', async (path) => {
      const url = `${server.base}${path.replace('ID', 'one')}`;
      for (const method of ['GET', 'POST']) {
        const body = method === 'POST' ? { body: parameters } : {};
        expect([404, 405]).toContain((await ask(url, { method, headers: south(), ...body })).status);
      }
    });

    test('L-11 L-18 a Subscription is kept for its owner and delivers nothing: no answer says that it is active', async () => {
      const subscription = {
        resourceType: 'Subscription',
        status: 'requested',
        reason: 'test',
        criteria: 'Observation?status=final',
        channel: { type: 'rest-hook', endpoint: 'https://example.org/hook', header: ['Authorization: secret'] },
      };
      const owner = staff('elsewhere-admin', 'administrator', 'south');
      const made = await ask(`${server.base}/Subscription`, { headers: owner, body: subscription });
      expect(made.status).toBe(201);
      const at = `${server.base}/Subscription/${made.body.id}`;
      expect((await ask(at, { headers: owner })).body).toMatchObject({ status: 'requested' });
      // Its headers may be secrets: whoever may not write one may not read it, here or anywhere else.
      expect((await ask(at, { headers: south() })).status).toBe(403);
      const other = staff('elsewhere-other', 'administrator', 'north');
      expect((await ask(at, { headers: other })).status).toBe(404);
    });

    test('L-15 no cache on the way keeps an answer, and no cache here mixes up two callers', async () => {
      const url = `${server.base}/Observation/${foreign.body.id}`;
      for (let round = 0; round < 3; round += 1) {
        const mine = await ask(url, { headers: north() });
        expect(mine.status).toBe(200);
        expect(mine.headers.get('cache-control')).toBe('private, no-store');
        // The same URL, and the validator that the first caller was given.
        const etag = mine.headers.get('etag') ?? '';
        const theirs = await ask(url, { headers: { ...south(), 'If-None-Match': etag } });
        expect(theirs.status).toBe(404);
        expect(theirs.headers.get('cache-control')).toBe('private, no-store');
        expect(theirs.headers.get('etag')).toBeNull();
      }
    });

    test('L-15 an Idempotency-Key is its sender’s: another one’s submission is another one', async () => {
      const sent = (headers: Record<string, string>) =>
        ask(`${server.base}/Observation`, {
          headers: { ...headers, 'Idempotency-Key': 'the-same-key-0001' },
          body: observation(),
        });
      const [first, again, other] = [await sent(north()), await sent(north()), await sent(south())];
      expect([first.status, again.status, other.status]).toEqual([201, 201, 201]);
      expect(again.body.id).toBe(first.body.id);
      expect(other.body.id).not.toBe(first.body.id);
    });
  },
  {},
  {},
  authenticate,
);

const parameters = { resourceType: 'Parameters', parameter: [{ name: 'resource', valueString: 'x' }] };
