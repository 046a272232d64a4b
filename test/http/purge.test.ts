/** $purge: nothing of a patient is left, and nothing of others is taken. */
import { randomUUID } from 'node:crypto';
import { ask, describeServer, put } from '../support/server.js';

const of = (id: string) => ({ reference: `Patient/${id}` });
const observation = (subject: object | undefined, note: string, more: object = {}) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { text: note },
  ...(subject === undefined ? {} : { subject }),
  ...more,
});

describeServer('$purge', (server) => {
  const at = (path: string) => `${server.base}/${path}`;
  const purge = (id: string) => ask(at(`Patient/${id}/$purge`), { method: 'POST' });
  const patient = (id: string, family: string) =>
    put(server.base, { resourceType: 'Patient', id, name: [{ family }] } as any);
  const statusOf = async (path: string) => (await ask(at(path))).status;
  const name = ({ resourceType, id }: any) => `${resourceType}/${id}`;
  const photo = async (bytes: string, securityContext?: string) => {
    const headers = {
      'Content-Type': 'application/octet-stream',
      ...(securityContext && { 'X-Security-Context': securityContext }),
    };
    return (await ask(at('Binary'), { body: Buffer.from(bytes), headers })).body;
  };
  const media = (subject: string, url: string) =>
    put(server.base, {
      resourceType: 'Media',
      status: 'completed',
      subject: of(subject),
      content: { contentType: 'application/octet-stream', url },
    } as any);

  test('the compartment goes with all versions, deleted resources and bytes; one AuditEvent stays', async () => {
    const id = randomUUID();
    await patient(id, 'Marker');
    await patient(id, 'Marker-Later');
    const current = await put(server.base, observation(of(id), 'current'));
    const deleted = await put(server.base, observation(of(id), 'deleted'));
    await ask(at(name(deleted)), { method: 'DELETE' });
    const shown = await photo(`shown ${id}`);
    const shows = await media(id, name(shown));
    const own = await photo(`own ${id}`, `Patient/${id}`);
    const followed = await photo(`followed ${id}`, name(current));
    const answer = await purge(id);
    expect([answer.status, answer.body.issue.length]).toEqual([200, 1]);
    expect(answer.body.issue[0].diagnostics).toContain('7 resources, 9 versions, 3 blobs');
    for (const one of [{ resourceType: 'Patient', id }, current, deleted, shown, shows, own, followed]) {
      expect(await statusOf(name(one))).toBe(404);
      expect(await statusOf(`${name(one)}/_history`)).toBe(404);
      expect(await statusOf(`${name(one)}/_history/1`)).toBe(404);
    }
    expect((await ask(at(`Observation?subject=Patient/${id}`))).body.total).toBe(0);
    expect((await ask(at('_history?_count=1000'))).text).not.toContain('Marker');
    const [event] = (await ask(at('AuditEvent?action=D&_sort=-date&_count=1'))).body.entry;
    expect(event.resource.entity[0]).toMatchObject({
      what: { display: `Patient/${id}` },
      detail: [
        { type: 'resources', valueString: '7' },
        { type: 'versions', valueString: '9' },
        { type: 'blobs', valueString: '3' },
      ],
    });
    // It is a valid resource, as one that a client would send.
    const { status, text } = await ask(at('AuditEvent'), { body: event.resource });
    expect([status, status === 201 ? '' : text]).toEqual([201, '']);
    const again = await purge(id);
    expect(again.status).toBe(404);
  });

  test('what is another patient’s too, or by now, stays and is told of', async () => {
    const [id, other] = [randomUUID(), randomUUID()];
    await patient(id, 'Going');
    await patient(other, 'Staying');
    const group = await put(server.base, {
      resourceType: 'Group',
      type: 'person',
      actual: true,
      member: [{ entity: of(id) }, { entity: of(other) }],
    } as any);
    const moved = await put(server.base, observation(of(id), 'moved'));
    await put(server.base, { ...observation(of(other), 'moved'), id: moved.id });
    const nobodys = await put(server.base, observation(of(id), 'nobodys'));
    await put(server.base, { ...observation(undefined, 'nobodys'), id: nobodys.id });
    const [shared, left] = [await photo(`shared ${id}`), await photo(`left ${id}`)];
    await media(id, name(shared));
    const kept = await media(other, name(shared));
    await media(id, name(left));
    // The same bytes in a Binary of somebody else.
    const twin = await photo(`left ${id}`, `Patient/${other}`);
    const answer = await purge(id);
    expect(answer.status).toBe(200);
    const warned = answer.body.issue.slice(1);
    expect(warned.every((issue: any) => issue.severity === 'warning')).toBe(true);
    const stays = [group, moved, nobodys, shared].map(name).sort();
    expect(warned.flatMap((issue: any) => issue.expression ?? []).sort()).toEqual([...stays, name(group)].sort());
    expect(warned.filter((issue: any) => issue.diagnostics.includes('leads nowhere'))).toHaveLength(1);
    expect(warned.filter((issue: any) => issue.diagnostics.includes('another Binary'))).toHaveLength(1);
    for (const one of [group, moved, nobodys, shared, kept, twin, { resourceType: 'Patient', id: other }])
      expect(await statusOf(name(one))).toBe(200);
    expect((await ask(at(name(twin)), { headers: { Accept: '*/*' } })).text).toBe(`left ${id}`);
    expect(await statusOf(name(left))).toBe(404);
    // Deleted by its owner it belongs to nobody, and goes.
    await ask(at(name(nobodys)), { method: 'DELETE' });
    await patient(id, 'Again');
    await purge(id);
    expect(await statusOf(`${name(nobodys)}/_history`)).toBe(404);
    expect(await statusOf(name(moved))).toBe(200);
  });

  test('others’ references are told of, and lead nowhere', async () => {
    const id = randomUUID();
    await patient(id, 'Referred');
    const task = await put(server.base, { resourceType: 'Task', status: 'draft', intent: 'order', for: of(id) } as any);
    const { body } = await purge(id);
    expect(body.issue[1]).toMatchObject({ severity: 'warning', expression: [name(task)] });
    expect(await statusOf(name(task))).toBe(200);
  });

  test('an id that only begins like it is another patient; one that never was is 404', async () => {
    const id = randomUUID();
    await patient(id, 'Short');
    await patient(`${id}.1`, 'Longer');
    const longer = await put(server.base, observation(of(`${id}.1`), 'longer'));
    expect((await purge(id)).body.issue[0].diagnostics).toContain('1 resources, 1 versions, 0 blobs');
    expect(await statusOf(name(longer))).toBe(200);
    expect((await purge('never-was')).status).toBe(404);
  });

  test('pages and histories go on over what was erased, and the id may be used anew', async () => {
    const [id, since] = [randomUUID(), new Date().toISOString()];
    await patient(id, 'First');
    const before = await put(server.base, observation(undefined, `walk ${id}`));
    await put(server.base, observation(of(id), `walk ${id}`));
    const after = await put(server.base, observation(undefined, `walk ${id}`));
    await purge(id);
    expect((await patient(id, 'Second')).meta.versionId).toBe('1');
    const { body } = await ask(at(`_history?_since=${since}&_count=1000`));
    const told = body.entry.map((entry: any) => entry.resource && name(entry.resource));
    expect(told).toEqual([`Patient/${id}`, expect.stringMatching(/^AuditEvent/), name(after), name(before)]);
  });

  test('a submission whose resource was erased is not made again', async () => {
    const headers = { 'Content-Type': 'application/fhir+json', 'Idempotency-Key': randomUUID() };
    const submit = () => ask(at('Patient'), { body: { resourceType: 'Patient', active: true }, headers });
    const { body } = await submit();
    await purge(body.id);
    const again = await submit();
    expect([again.status, again.body.issue[0].expression]).toEqual([410, ['http.Idempotency-Key']]);
  });

  test('it is a POST on a Patient, and the server says so', async () => {
    expect((await ask(at('Patient/x/$purge'))).status).toBe(405);
    expect((await ask(at('Observation/x/$purge'), { method: 'POST' })).status).toBe(404);
    expect((await ask(at('Patient/$purge'), { method: 'POST' })).status).toBe(404);
    const { body } = await ask(at('metadata'));
    const { operation } = body.rest[0].resource.find(({ type }: any) => type === 'Patient');
    const own = operation.filter(({ name }: any) => name === 'purge');
    expect(own).toHaveLength(1);
    const found = await ask(at(`OperationDefinition?url=${own[0].definition}`));
    expect(found.body.entry[0].resource).toMatchObject({ code: 'purge', instance: true });
    expect(body.rest[0].resource[0].interaction).not.toContainEqual({ code: 'operation' });
  });
});
