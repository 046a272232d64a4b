/** What happens to a $purge that is not allowed, takes too long, or meets others. */
import type { Store } from '../../src/store/port.js';
import { describeDoors } from './door.js';

describeDoors('a purge', (doors) => {
  const patient = { type: 'Patient', id: 'a' };
  const put = (id: string, resource: object = {}) =>
    doors.over().update(
      doors.call,
      { type: 'Basic', id },
      {
        resourceType: 'Basic',
        id,
        code: { text: id },
        subject: { reference: 'Patient/a' },
        ...resource,
      },
    );
  beforeEach(async () => {
    await doors.over().update(doors.call, patient, { resourceType: 'Patient', id: 'a' });
    await put('one');
  });
  const left = async () => {
    const types = ['Patient', 'Basic', 'AuditEvent'];
    const page = await doors.store.search(types, { node: 'all', of: [] }, [], { size: 100 }, { owners: ['home'] });
    return page.items.map(({ type, id }) => (type === 'AuditEvent' ? type : id)).sort();
  };

  test('is for the operator only', async () => {
    const principal = { ...doors.call.principal, role: 'practitioner' } as any;
    await expect(doors.over().purge({ ...doors.call, principal }, patient)).rejects.toMatchObject({ status: 403 });
    expect(await left()).toEqual(['a', 'one']);
  });

  test('that is stopped has erased nothing, and names the command', async () => {
    await expect(doors.over().purge(doors.call, patient, () => true)).rejects.toThrow(/afferent purge/);
    expect(await left()).toEqual(['a', 'one']);
  });

  test('takes what others write meanwhile, and begins anew when that was in its way', async () => {
    let erasures = 0;
    const late: Store = {
      ...doors.store,
      erasing: {
        ...doors.store.erasing,
        async mentions(...given) {
          const page = await doors.store.erasing.mentions(...given);
          if (given[0] === 'Patient/a' && page.next === undefined) await put('after-the-scan');
          return page;
        },
        async erase(...given) {
          erasures += 1;
          if (erasures === 1) await put('one', { code: { text: 'changed' } });
          await doors.store.erasing.erase(...given);
        },
      },
    };
    const purged = await doors.over(late).purge(doors.call, patient);
    expect(erasures).toBe(2);
    expect(purged).toMatchObject({ resources: 3, versions: 4, blobs: 0, warnings: [] });
    expect(await left()).toEqual(['AuditEvent']);
  });

  test('whose erasing fell half way is completed by another one', async () => {
    await put('two');
    const falling: Store = {
      ...doors.store,
      erasing: {
        ...doors.store.erasing,
        async erase([first, ...rest], record) {
          await doors.store.erasing.erase(first === undefined ? [] : [first], record);
          throw new Error(`The power is gone before ${rest.length} others.`);
        },
      },
    };
    await expect(doors.over(falling).purge(doors.call, patient)).rejects.toThrow(/2 others/);
    // The patient goes last, so that it is seen that this is not done.
    expect(await left()).toEqual(['AuditEvent', 'a', expect.any(String)]);
    expect(await doors.over().purge(doors.call, patient)).toMatchObject({ resources: 2 });
    expect(await left()).toEqual(['AuditEvent', 'AuditEvent']);
  });
});
