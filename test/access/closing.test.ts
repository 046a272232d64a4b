/** T-04: what ends a referral ends it at once: for tokens, cursors and downloads that are there already, and at every process. */
import { readConfig } from '../../src/config.js';
import { systemClock } from '../../src/kit/clock.js';
import { limits } from '../../src/kit/limits.js';
import { startServer, type RunningServer } from '../../src/server.js';
import { describeMongo, freshDatabase } from '../support/mongo.js';
import { ask, describeServer, type Answer, type Ask } from '../support/server.js';
import { authenticate, caller } from './callers.js';

type Json = any;
interface Caller {
  Authorization: string;
}
interface Posted {
  resourceType: string;
  [element: string]: unknown;
}

const clinic = caller('closing-clinic', { role: 'system', owner: 'clinic', scopes: 'system/*.cruds' });
const office = caller('closing-office', { role: 'coordinator', owner: 'clinic', user: 'o', scopes: 'user/*.cruds' });
const hospital = caller('closing-hospital', { role: 'system', owner: 'hospital', scopes: 'system/*.cruds' });
const specialist = caller('closing-specialist', {
  role: 'specialist',
  owner: 'hospital',
  user: 's',
  scopes: 'user/*.cruds',
});

const ref = (reference: string) => ({ reference });

/** What both organizations do; `baseOf` is where a caller's server is. */
function players(baseOf: () => string) {
  const send = (path: string, as: Caller, request: Ask = {}, base = baseOf()): Promise<Answer> =>
    ask(`${base}/${path}`, { ...request, headers: { ...as, ...request.headers } });
  const post = async (resource: Posted, as = clinic): Promise<string> => {
    const { body, status, text } = await send(resource.resourceType, as, { method: 'POST', body: resource });
    if (status !== 201) throw new Error(`${status} ${text}`);
    return `${resource.resourceType}/${body.id}`;
  };
  const set = async (name: string, elements: object, as: Caller = clinic): Promise<number> => {
    const { body } = await send(name, as);
    return (await send(name, as, { method: 'PUT', body: { ...body, ...elements } })).status;
  };
  const upload = async (bytes: Buffer): Promise<string> => {
    const { body } = await send('Binary', clinic, { headers: { 'Content-Type': 'image/jpeg' }, body: bytes });
    return `Binary/${body.id}`;
  };
  const statuses = (names: string[], as: Caller = specialist, base = baseOf()): Promise<number[]> =>
    Promise.all(names.map(async (name) => (await send(name, as, {}, base)).status));
  const doctor = () => post({ resourceType: 'Practitioner' }, hospital);
  const media = (more: object = {}) =>
    post({ resourceType: 'Media', status: 'completed', content: { title: 'a photo' }, ...more });
  /** A case with three pictures, asked of the hospital by a Task. */
  const caseOf = async (more: object = {}, owner?: string) => {
    const patient = await post({ resourceType: 'Patient' });
    const listed = [await media(), await media(), await media()];
    const request = await post({
      resourceType: 'ServiceRequest',
      status: 'active',
      intent: 'order',
      subject: ref(patient),
      supportingInfo: listed.map(ref),
      ...more,
    });
    const by = owner ?? (await doctor());
    const task = await post({
      resourceType: 'Task',
      status: 'requested',
      intent: 'order',
      focus: ref(request),
      owner: ref(by),
    });
    return { patient, listed, request, task, all: [patient, ...listed, request, task] };
  };
  return { send, post, set, upload, statuses, doctor, media, caseOf };
}

const jpeg = (bytes: number): Buffer => Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(bytes, 1)]);

describeServer(
  'closing a referral',
  (server) => {
    const { send, post, set, upload, statuses, doctor, media, caseOf } = players(() => server.base);
    type Case = Awaited<ReturnType<typeof caseOf>>;

    const endings: [string, (one: Case) => Promise<number>, string[]?][] = [
      ['the request is revoked', ({ request }) => set(request, { status: 'revoked' })],
      ['the request was an error', ({ request }) => set(request, { status: 'entered-in-error' })],
      ['the Task is cancelled', ({ task }) => set(task, { status: 'cancelled' })],
      ['the asked one declines', ({ task }) => set(task, { status: 'rejected' }, specialist)],
      ['another is asked', async ({ task }) => set(task, { owner: ref(await ofLab()), status: 'requested' }, office)],
      ['the Task is deleted', async ({ task }) => (await send(task, clinic, { method: 'DELETE' })).status - 4],
    ];
    const lab = caller('closing-lab', { role: 'system', owner: 'lab', scopes: 'system/*.cruds' });
    const ofLab = () => post({ resourceType: 'Practitioner' }, lab);

    test.each(endings)('T-04 for every token at once, when %s', async (_when, end) => {
      const one = await caseOf();
      expect(await statuses(one.all)).toEqual(one.all.map(() => 200));
      expect(await end(one)).toBe(200);
      expect(await statuses(one.all)).toEqual(one.all.map(() => 404));
      const { body } = await send(`Media?_id=${one.listed.map((name) => name.slice(6)).join()}`, specialist);
      expect(body.entry ?? []).toEqual([]);
    });

    test('T-04 for a cursor: its next page has nothing of it', async () => {
      const one = await caseOf();
      const mine = [await post({ resourceType: 'Media', status: 'completed', content: { title: 'x' } }, hospital)];
      const page = await send('Media?_count=1', specialist);
      const history = await send('Media/_history?_count=1', specialist);
      const next = (body: Json): string => body.link.find((link: Json) => link.relation === 'next').url;
      await set(one.request, { status: 'revoked' });
      const rest: string[] = [];
      for (const first of [next(page.body), next(history.body)])
        for (let url: string | undefined = first; url !== undefined;) {
          const { body }: Answer = await ask(url, { headers: specialist });
          rest.push(...(body.entry ?? []).map((entry: Json) => `Media/${entry.resource.id}`));
          url = body.link.find((link: Json) => link.relation === 'next')?.url;
        }
      expect(rest.filter((name) => one.listed.includes(name))).toEqual([]);
      expect([...rest, `Media/${page.body.entry[0].resource.id}`]).toEqual(expect.arrayContaining(mine));
    });

    test('T-04 for a download that is under way', async () => {
      const bytes = await upload(jpeg(64_000_000));
      const picture = await media({ content: { url: bytes } });
      const { request } = await caseOf({ supportingInfo: [ref(picture)] });
      const response = await fetch(`${server.base}/${bytes}`, { headers: { ...specialist, Accept: 'image/jpeg' } });
      expect(response.status).toBe(200);
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      const piece = async (): Promise<number | 'cut'> =>
        reader.read().then(
          ({ value, done }) => (done ? 0 : value.length),
          () => 'cut' as const,
        );
      for (let n = 0; n < 5; n += 1) await piece();
      expect(await set(request, { status: 'revoked' })).toBe(200);
      // Within this second the server cuts the line; what is read from then on is only what was on its way.
      await new Promise((resolve) => setTimeout(resolve, 1000));
      let last = await piece();
      while (last !== 0 && last !== 'cut') last = await piece();
      expect(last).toBe('cut');
      await reader.cancel().catch(() => undefined);
    }, 30_000);

    test('a download of one’s own goes on, and so does one that stays open', async () => {
      const bytes = await upload(jpeg(1_000_000));
      await caseOf({ supportingInfo: [ref(await media({ content: { url: bytes } }))] });
      for (const as of [clinic, specialist]) {
        const response = await fetch(`${server.base}/${bytes}`, { headers: { ...as, Accept: 'image/jpeg' } });
        expect((await response.arrayBuffer()).byteLength).toBe(1_000_004);
      }
    });

    describe('races leave open what is to be open, and nothing else', () => {
      let owner = '';
      beforeAll(async () => {
        owner = await doctor();
      });

      const races: [string, (round: number) => Promise<{ open: string[]; closed: string[] }>][] = [
        [
          'closing, and adding to the case',
          async () => {
            const { request, all } = await caseOf({}, owner);
            const [added] = await Promise.all([
              media({ basedOn: [ref(request)] }),
              set(request, { status: 'revoked' }),
              media({ basedOn: [ref(request)] }),
            ]);
            return { open: [], closed: [...all, added] };
          },
        ],
        [
          'declining, and listing more',
          async () => {
            const { request, task, listed, all } = await caseOf({}, owner);
            const more = await media();
            await Promise.all([
              set(task, { status: 'rejected' }, specialist),
              set(request, { supportingInfo: [...listed, more].map(ref) }),
            ]);
            return { open: [], closed: [...all, more] };
          },
        ],
        [
          'opening, asking, and adding',
          async () => {
            const { request, listed } = await caseOf({ status: 'draft' }, owner);
            const asked = { resourceType: 'Task', status: 'requested', intent: 'order', focus: ref(request) };
            const [, added, task] = await Promise.all([
              set(request, { status: 'active' }),
              media({ basedOn: [ref(request)] }),
              post({ ...asked, owner: ref(owner) }),
            ]);
            return { open: [request, ...listed, added, task], closed: [] };
          },
        ],
        [
          'listing a picture, and giving it other bytes',
          async (round) => {
            const { request } = await caseOf({}, owner);
            const [before, after] = [await upload(jpeg(round * 2 + 1)), await upload(jpeg(round * 2 + 2))];
            const picture = await media({ content: { url: before } });
            await Promise.all([
              set(request, { supportingInfo: [ref(picture)] }),
              set(picture, { content: { url: after } }),
            ]);
            return { open: [picture, after], closed: [before] };
          },
        ],
      ];

      test.each(races)(
        '%s',
        async (_name, race) => {
          for (let round = 0; round < 25; round += 1) {
            const { open, closed } = await race(round);
            expect([round, await statuses(open)]).toEqual([round, open.map(() => 200)]);
            expect([round, await statuses(closed)]).toEqual([round, closed.map(() => 404)]);
          }
        },
        120_000,
      );
    });
  },
  {},
  { REFERENTIAL_INTEGRITY: 'enforce' },
  authenticate,
);

describeMongo('a referral at two processes', (url) => {
  const servers: RunningServer[] = [];
  beforeAll(async () => {
    const database = freshDatabase();
    for (let n = 0; n < 2; n += 1) {
      const settings = {
        PORT: '0',
        LOG_LEVEL: 'silent',
        MONGODB_URL: url,
        MONGODB_DATABASE: database,
        STORE: 'mongodb',
      };
      servers.push(await startServer(readConfig(settings), systemClock, limits, authenticate));
    }
  });
  afterAll(async () => {
    await Promise.all(servers.map((one) => one.stop()));
  });

  test('T-04 opens and closes at the other one at once', async () => {
    const { caseOf, set, statuses } = players(() => servers[0]?.base ?? '');
    const there = servers[1]?.base ?? '';
    const { all, request } = await caseOf();
    expect(await statuses(all, specialist, there)).toEqual(all.map(() => 200));
    await set(request, { status: 'revoked' });
    expect(await statuses(all, specialist, there)).toEqual(all.map(() => 404));
  });
});
