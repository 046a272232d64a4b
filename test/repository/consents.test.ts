/** What a Consent changes is found however much refers to its patient. */
import { createAgreements } from '../../src/repository/consents/agreements.js';
import { createConsents } from '../../src/repository/consents/index.js';
import { loadDefinitions } from '../../src/fhir/definitions.js';
import { limits } from '../../src/kit/limits.js';
import { createRegistry } from '../../src/search/registry.js';
import type { Change, Store } from '../../src/store/port.js';
import { describeDoors } from './door.js';

const base = 'http://localhost/fhir';
const registry = createRegistry(loadDefinitions());

describeDoors('the referrals of a patient', (doors) => {
  test.each([
    ['few', (store: Store) => store],
    [
      'too many to be listed',
      (store: Store): Store => ({
        ...store,
        erasing: {
          ...store.erasing,
          referrers: () =>
            Promise.resolve(new Array(limits.patientReferrers).fill({ type: 'List', id: 'x', to: 'Patient/p' })),
        },
      }),
    ],
  ])('are found where those who refer to them are %s', async (_name, over) => {
    const store = over(doors.store);
    const subject = { param: 'subject', value: 'Patient/p', detail: '' };
    const written = { version: 1, updated: doors.clock.now(), owner: 'clinic', method: 'PUT', text: '{}' } as const;
    const change = (type: string, id: string, entries: Change['entries']): Change => ({
      ...written,
      type,
      id,
      entries,
    });
    const refers = { param: ':refers', value: 'Patient/p', detail: '' };
    const opening = (type: string, id: string) => ({ type, id, to: 'hospital', from: 0, until: 0 });
    await doors.store.write(
      [
        change('Patient', 'p', []),
        change('Observation', 'o', [subject, refers]),
        change('Task', 't', [{ ...subject, param: 'patient' }, refers]),
        change('Observation', 'other', [{ ...subject, value: 'Patient/q' }]),
      ],
      [],
      undefined,
      undefined,
      {
        opened: [
          { via: 'ServiceRequest/1', was: 0, openings: [opening('Patient', 'p')] },
          { via: 'ServiceRequest/2', was: 0, openings: [opening('Observation', 'o')] },
          { via: 'Task/t', was: 0, openings: [opening('Task', 't')] },
          { via: 'ServiceRequest/4', was: 0, openings: [opening('Observation', 'other')] },
        ],
      },
    );
    const { understand } = createAgreements({ store, registry, base });
    const consents = createConsents({ store, registry, base, understand });
    expect([...(await consents.opening('clinic', 'p'))].sort()).toEqual([
      'ServiceRequest/1',
      'ServiceRequest/2',
      'Task/t',
    ]);
  });
});
