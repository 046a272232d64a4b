/** search over HTTP: numbers and units, what other resources say, parts of resources, compartments (R4 search.html). */
import { ask, describeServer, idsOf, pages, put } from '../support/server.js';
import { quickest } from '../support/time.js';

const RUN = `beyond-${process.pid}`;
const UCUM = 'http://unitsofmeasure.org';
const SUBSETTED = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' };

describeServer('search', (server) => {
  const ids: Record<string, string> = {};
  beforeAll(async () => {
    const named = async (name: string, resource: object) => {
      const meta = { tag: [{ system: RUN, code: name }] };
      ids[name] = (await put(server.base, { meta, ...resource } as never)).id;
    };
    const reference = (type: string, name: string) => ({ reference: `${type}/${ids[name]}` });
    await named('clinic', { resourceType: 'Organization', name: `Clinic ${RUN}` });
    await named('doctor', {
      resourceType: 'Practitioner',
      identifier: [{ type: { coding: [{ system: 'http://t', code: 'MD' }] }, system: RUN, value: '25' }],
      name: [{ family: `House${process.pid}` }],
    });
    await named('ada', {
      resourceType: 'Patient',
      identifier: [{ system: RUN, value: 'ada' }],
      name: [{ family: 'Müller' }],
      birthDate: '1980-05-17',
      managingOrganization: reference('Organization', 'clinic'),
      generalPractitioner: [reference('Practitioner', 'doctor')],
    });
    await named('bob', { resourceType: 'Patient', identifier: [{ system: RUN, value: 'bob' }], active: true });
    const code = { text: 'Gewicht', coding: [{ system: 'http://loinc.org', code: '29463-7', display: 'Body weight' }] };
    await named('weight', {
      resourceType: 'Observation',
      status: 'final',
      code,
      subject: reference('Patient', 'ada'),
      valueQuantity: { value: 5400, unit: 'mg', system: UCUM, code: 'mg' },
    });
    await named('heavy', {
      resourceType: 'Observation',
      status: 'final',
      code,
      subject: { type: 'Patient', identifier: { system: RUN, value: 'ada' } },
      performer: [reference('Practitioner', 'doctor')],
      valueQuantity: { value: 70, unit: 'kg', system: UCUM, code: 'kg' },
    });
    await named('report', {
      resourceType: 'DiagnosticReport',
      status: 'final',
      code,
      subject: reference('Patient', 'ada'),
      result: [reference('Observation', 'weight')],
    });
    await named('risk', {
      resourceType: 'RiskAssessment',
      status: 'final',
      subject: reference('Patient', 'bob'),
      prediction: [{ probabilityDecimal: 0.8 }],
    });
    await named('values', {
      resourceType: 'ValueSet',
      status: 'active',
      url: `http://${RUN}.example/fhir/ValueSet/123`,
    });
    await named('medication', { resourceType: 'Medication', status: 'active' });
  });

  const names = async (query: string): Promise<string[]> => {
    const { status, body } = await ask(`${server.base}/${query}`);
    if (status !== 200) throw new Error(JSON.stringify(body));
    return idsOf(body)
      .map((id) => Object.keys(ids).find((name) => ids[name] === id) ?? id)
      .sort();
  };
  const OURS = `_tag=${RUN}|`;

  test.each([
    [`Observation?${OURS}&value-quantity=5.4|${UCUM}|g`, ['weight']],
    [`Observation?${OURS}&value-quantity=5.40|${UCUM}|g`, ['weight']],
    [`Observation?${OURS}&value-quantity=5.41|${UCUM}|g`, []],
    [`Observation?${OURS}&value-quantity=ge5.4|${UCUM}|g`, ['heavy', 'weight']],
    [`Observation?${OURS}&value-quantity=gt5.4|${UCUM}|g`, ['heavy']],
    [`Observation?${OURS}&value-quantity=5400`, ['weight']],
    [`Observation?${OURS}&value-quantity=70||kg`, ['heavy']],
    [`Observation?${OURS}&code-value-quantity=http://loinc.org|29463-7$lt6|${UCUM}|g`, ['weight']],
    [`Observation?${OURS}&code-value-quantity=1-2$lt6|${UCUM}|g`, []],
    [`Observation?${OURS}&code:text=body w`, ['heavy', 'weight']],
    [`Observation?${OURS}&code:text=weight`, []],
    [`Observation?${OURS}&subject:identifier=${RUN}|ada`, ['heavy']],
    [`RiskAssessment?${OURS}&probability=0.8`, ['risk']],
    [`RiskAssessment?${OURS}&probability=1`, ['risk']],
    [`RiskAssessment?${OURS}&probability=1.0`, []],
    [`RiskAssessment?${OURS}&probability=gt0.75`, ['risk']],
    [`Practitioner?identifier:of-type=http://t|MD|25&${OURS}`, ['doctor']],
    [`ValueSet?url:below=http://${RUN}.example/fhir/`, ['values']],
    [`ValueSet?url:above=http://${RUN}.example/fhir/ValueSet/123/x&${OURS}`, ['values']],
    [`Observation?patient.identifier=${RUN}|ada`, ['weight']],
    [`Observation?subject:Patient.organization.name=clinic ${RUN}`, ['weight']],
    [`Observation?subject:Patient.general-practitioner:Practitioner.name=house${process.pid}`, ['weight']],
    [`Observation?patient.birthdate=lt1980&${OURS}`, []],
    [`Observation?patient._has:DiagnosticReport:subject:_tag=${RUN}|report`, ['weight']],
    [`Patient?_has:Observation:patient:_tag=${RUN}|weight`, ['ada']],
    [`Patient?_has:Observation:patient:value-quantity=5.4|${UCUM}|g&${OURS}`, ['ada']],
    [`Patient?_has:Observation:patient:_has:DiagnosticReport:result:_tag=${RUN}|report`, ['ada']],
    [`Patient?_has:RiskAssessment:subject:probability=lt0.5&${OURS}`, []],
    [`Practitioner?_has:Patient:general-practitioner:_has:Observation:patient:_tag=${RUN}|weight`, ['doctor']],
    [`Organization?_has:Patient:organization:identifier=${RUN}|ada`, ['clinic']],
  ])('%s finds %j', async (query, expected) => {
    expect(await names(query)).toEqual(expected);
  });

  test.each([
    [() => `Patient/${ids.ada}/Observation`, ['weight']],
    [() => `Patient/${ids.ada}/*`, ['ada', 'report', 'weight']],
    [() => `Patient/${ids.ada}/*?_type=DiagnosticReport,Observation`, ['report', 'weight']],
    [() => `Patient/${ids.ada}/Patient`, ['ada']],
    [() => `Patient/${ids.ada}/Observation?value-quantity=gt100|${UCUM}|g`, []],
    [() => `Patient/${ids.bob}/*`, ['bob', 'risk']],
    [() => `Practitioner/${ids.doctor}/Observation`, ['heavy']],
    [() => `Patient/nobody-${RUN}/*`, []],
  ])('the compartment %s', async (query, expected) => {
    expect(await names(query())).toEqual(expected);
  });

  test('a compartment is searched by POST and in pages, each bound to it', async () => {
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const url = `${server.base}/Patient/${ids.ada}/*`;
    const posted = await ask(`${url}/_search`, { headers, body: '_type=Observation' });
    expect([posted.status, idsOf(posted.body)]).toEqual([200, [ids.weight]]);
    const found = await pages(`${url}?_count=1`);
    expect(found.flatMap(idsOf).sort()).toEqual([ids.ada, ids.report, ids.weight].sort());
    const next = new URL(found[0].link[1].url);
    expect((await ask(next.href.replace(ids.ada!, ids.bob!))).status).toBe(400);
  });

  test.each([
    [() => `Patient/${ids.ada}/Medication`, 404, /no type of the compartment of Patient/],
    [() => `Patient/${ids.ada}/Nonsense`, 404, /no type of the compartment/],
    [() => `Patient/${ids.ada}/$everything`, 404, /\$everything/],
    [() => `Observation/${ids.weight}/Condition`, 404, /Observation has no compartment/],
    [() => `Patient/${ids.ada}/*?_type=Medication`, 400, /'Medication' is no resource type/],
    [() => `Patient/${ids.ada}/Observation?nonsense=1`, 400, /nonsense/],
  ])('the compartment %s is refused', async (query, status, says) => {
    const answer = await ask(`${server.base}/${query()}`);
    expect([answer.status, answer.body.resourceType]).toEqual([status, 'OperationOutcome']);
    expect(answer.body.issue[0].diagnostics).toMatch(says);
  });

  const first = async (query: string) => (await ask(`${server.base}/${query}`)).body.entry[0].resource;

  test('_summary shows a part, and says so', async () => {
    const whole = await first(`Patient?_id=${ids.ada}&_summary=false`);
    expect(whole.meta.tag).toEqual([{ system: RUN, code: 'ada' }]);
    const summary = await first(`Patient?_id=${ids.ada}&_summary=true`);
    expect(Object.keys(summary).sort()).toEqual(
      ['resourceType', 'id', 'meta', 'identifier', 'name', 'birthDate', 'managingOrganization'].sort(),
    );
    expect(summary.meta.tag).toEqual([{ system: RUN, code: 'ada' }, SUBSETTED]);
    expect(Object.keys(await first(`Observation?_id=${ids.weight}&_summary=text`)).sort()).toEqual(
      ['resourceType', 'id', 'meta', 'status', 'code'].sort(),
    );
    expect((await first(`Observation?_id=${ids.weight}&_summary=data`)).valueQuantity.value).toBe(5400);
    const counted = await ask(`${server.base}/Patient?${OURS}&_summary=count`);
    expect([counted.body.total, counted.body.entry]).toEqual([2, undefined]);
  });

  test('_elements shows what is named, and what is mandatory', async () => {
    const observation = await first(`Observation?_id=${ids.weight}&_elements=subject&_include=Observation:subject`);
    expect(Object.keys(observation)).toEqual(['resourceType', 'id', 'meta', 'status', 'code', 'subject']);
    const { body } = await ask(
      `${server.base}/Observation?_id=${ids.weight}&_elements=subject&_include=Observation:subject`,
    );
    expect(body.entry[1].resource.birthDate).toBe('1980-05-17');
    expect(body.link[0].url).toContain('_elements=subject');
  });

  test('a read, a version and a history show parts, too', async () => {
    const one = `${server.base}/Patient/${ids.ada}`;
    for (const url of [one, `${one}/_history/1`]) {
      const { status, body, headers } = await ask(`${url}?_elements=name`);
      expect([status, Object.keys(body)]).toEqual([200, ['resourceType', 'id', 'meta', 'name']]);
      expect([headers.get('etag'), body.meta.tag[1]]).toEqual(['W/"1"', SUBSETTED]);
    }
    const history = await ask(`${one}/_history?_summary=true`);
    expect(history.body.entry[0].resource.generalPractitioner).toBeUndefined();
    expect(history.body.link[0].url).toContain('_summary=true');
    for (const query of ['_summary=count', '_summary=maybe', '_elements=nothing', '_summary=true&_elements=name']) {
      expect((await ask(`${one}?${query}`)).status).toBe(400);
    }
  });

  test('the digits of numbers are kept in a part', async () => {
    const text = `{"resourceType":"RiskAssessment","id":"digits-${process.pid}","status":"final","subject":{"display":"x"},"prediction":[{"probabilityDecimal":0.80}]}`;
    const url = `${server.base}/RiskAssessment/digits-${process.pid}`;
    await ask(url, { method: 'PUT', headers: { 'Content-Type': 'application/fhir+json' }, body: text });
    expect((await ask(`${url}?_elements=prediction`)).text).toContain('"probabilityDecimal":0.80');
  });

  test.each([
    ['Observation?value-quantity=gt5400mg', 'http.value-quantity'],
    ['RiskAssessment?probability=gtx', 'http.probability'],
    [`RiskAssessment?probability=${'9'.repeat(5000)}`, 'http.probability'],
    ['Observation?code-value-quantity=a', 'http.code-value-quantity'],
    [`Observation?${'subject:Patient.link:Patient.'.repeat(100)}name=x`, /^http\.subject/],
    ['Observation?subject.identifier=x', 'http.subject.identifier'],
    [`Patient?${'_has:Person:patient:'.repeat(200)}name=x`, /^http\._has/],
    [`Observation?value-quantity=${'1,'.repeat(6000)}1`, 'http.value-quantity'],
    [`ValueSet?url:above=http://x${'/a'.repeat(3000)}`, 'http.url:above'],
    [`Observation?value-quantity=1|${UCUM}|${'('.repeat(5000)}`, null],
  ])('%.60s is answered at once', async (query, expression) => {
    const url = `${server.base}/${query}`;
    const took = await quickest(50, async () => {
      const begin = performance.now();
      const { status, body } = await ask(url);
      const milliseconds = performance.now() - begin;
      if (expression === null) expect(status).toBe(200);
      else
        expect([status, body.issue[0].expression]).toEqual([
          400,
          [typeof expression === 'string' ? expression : expect.stringMatching(expression)],
        ]);
      return milliseconds;
    });
    expect(took).toBeLessThan(50);
  });
});
