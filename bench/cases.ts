/** One case as a referring EHR sends it: a response with its photo, request, task and a measurement, in one transaction. */
import { instantAt, responseOf, type Random } from './data.js';

/** Entries that refer to each other by urn; `at` makes the urns of one Bundle differ. */
export function caseOf(random: Random, subject: string, serial: string, at: number): object[] {
  const urn = (kind: number) => `urn:uuid:${String(at).padStart(8, '0')}-0000-4000-8000-00000000000${kind}`;
  const [response, media, request, task, observation] = [1, 2, 3, 4, 5].map(urn) as [
    string,
    string,
    string,
    string,
    string,
  ];
  const entry = (fullUrl: string, resource: { resourceType: string }) => ({
    fullUrl,
    resource,
    request: { method: 'POST', url: resource.resourceType },
  });
  const patient = { reference: subject };
  return [
    entry(response, responseOf(random, subject, serial) as { resourceType: string }),
    entry(media, {
      resourceType: 'Media',
      status: 'completed',
      subject: patient,
      createdDateTime: instantAt(random),
      content: { contentType: 'image/jpeg', url: 'https://photos.example/1', size: 1_000_000 },
    } as { resourceType: string }),
    entry(request, {
      resourceType: 'ServiceRequest',
      status: 'active',
      intent: 'order',
      code: { text: 'Dermatology consult' },
      subject: patient,
      authoredOn: instantAt(random),
      supportingInfo: [{ reference: response }, { reference: media }],
    } as { resourceType: string }),
    entry(task, {
      resourceType: 'Task',
      status: 'requested',
      intent: 'order',
      focus: { reference: request },
      for: patient,
      authoredOn: instantAt(random),
      description: 'A lesion that grows: please look at the photo and the answers, and say what it is and what to do.',
    } as { resourceType: string }),
    entry(observation, {
      resourceType: 'Observation',
      status: 'final',
      code: { coding: [{ system: 'http://example.org/fhir/CodeSystem/bench', code: 'diameter' }] },
      subject: patient,
      basedOn: [{ reference: request }],
      effectiveDateTime: instantAt(random),
      valueQuantity: {
        value: Math.round(random() * 300) / 10,
        unit: 'mm',
        system: 'http://unitsofmeasure.org',
        code: 'mm',
      },
    } as { resourceType: string }),
  ];
}
