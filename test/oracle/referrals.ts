/** Referrals between the organizations, in every state, named in every way, with their cases and what was answered. */
import { FORM } from './directory.js';
import { letter, observation, picture } from './records.js';
import { CODES, concept, current, nameOf, OWNERS, ref, type Builder, type Json } from './world.js';

/** TABLE: what became of a request, as [status, days ago]. Completed 45 days ago is past its time, 10 days ago is not. */
const REQUESTS: [string, number][][] = [
  [['active', 60]],
  [['active', 60]],
  [['active', 60]],
  [['active', 60]],
  [['draft', 60], ['active', 20]],
  [['on-hold', 60]],
  [['active', 60], ['completed', 10]],
  [['active', 60], ['completed', 28]],
  [['active', 60], ['completed', 45]],
  [['active', 60], ['completed', 45], ['completed', 10]],
  [['active', 60], ['completed', 45], ['active', 20], ['completed', 5]],
  [['active', 60], ['revoked', 5]],
  [['active', 60], ['entered-in-error', 5]],
  [['draft', 60]],
  [['draft', 60]],
  [['active', 60], ['unknown', 20]],
]; // prettier-ignore

/** What another organization did is not the owner's to write, so those came as they were; steps are taken later. */
const TASKS: [string, number][][] = [
  [['requested', 60]],
  [['requested', 60]],
  [['received', 20]],
  [['accepted', 20]],
  [['in-progress', 20]],
  [['on-hold', 20], ['in-progress', 10]],
  [['requested', 60], ['ready', 20]],
  [['completed', 10]],
  [['completed', 28]],
  [['completed', 45]],
  [['completed', 45], ['completed', 5]],
  [['rejected', 20]],
  [['requested', 60], ['cancelled', 5]],
  [['failed', 10]],
  [['requested', 60], ['entered-in-error', 10]],
  [['draft', 60]],
]; // prettier-ignore

/** Dealt by themselves: what the status of a Task decides is seen where the request's does not. */
const TASKS_OF_ACTIVE = [...TASKS];

/** TABLE: in which words an organization is named. */
const NAMING = ['Organization', 'Practitioner', 'PractitionerRole', 'CareTeam', 'HealthcareService'] as const;

export function referrals(builder: Builder): void {
  const { world, pick, chance } = builder;
  for (const owner of OWNERS)
    for (const patient of world.patients[owner]!)
      for (let at = 0; at < 2; at += 1)
        refer(builder, owner, ref(`Patient/${patient}`), pick(OWNERS.filter((one) => one !== owner)));
  for (const owner of OWNERS)
    for (let at = 0; at < 2; at += 1) {
      // Somebody's Task of their own, about another one's request: it opens nothing of that request.
      const foreign = builder.world.kept.filter((one) => one.type === 'ServiceRequest' && one.owner !== owner);
      const of = ref(`Patient/${pick(world.patients[owner]!)}`);
      task(
        builder,
        owner,
        {
          for: of,
          ...(chance(0.5) ? { focus: ref(nameOf(pick(foreign))) } : { focus: builder.some(owner, 'Observation') }),
        },
        [named(builder, pick(OWNERS.filter((one) => one !== owner)))],
      );
    }
  for (const owner of OWNERS) told(builder, owner);
}

/** One house is asked and another one told, of a patient who keeps nothing back: the told one sees what is not its to do. */
function told({ world, add, pick }: Builder, owner: string): void {
  const others = OWNERS.filter((one) => one !== owner);
  const asked = pick(others);
  add('Task', owner, {
    status: pick(['requested', 'received', 'accepted', 'in-progress']),
    intent: 'order',
    for: ref(`Patient/${world.patients[owner]![0]!}`),
    owner: ref(asked),
    restriction: { recipient: others.filter((one) => one !== asked).map(ref) },
  });
}

/** A reference that names the organization; of its own house at times, which says nothing. */
function named({ world, pick }: Builder, to: string): Json {
  const type = pick(NAMING);
  return ref(
    nameOf(pick(world.kept.filter((one) => one.type === type && one.owner === to && current(one) !== undefined))),
  );
}

function refer(builder: Builder, owner: string, subject: Json, to: string): void {
  const { add, change, chance, deal, pick, some } = builder;
  const third = pick(OWNERS.filter((one) => one !== owner && one !== to));
  const [[first] = ['active'], ...later] = deal(REQUESTS);
  const isDraft = first === 'draft' && later.length === 0;
  const performer = isDraft || chance(0.6) ? [named(builder, to)] : chance(0.3) ? [named(builder, owner)] : [];
  if (performer.length > 0 && chance(0.2)) performer.push(named(builder, third));
  const shown = [
    some(owner, 'Observation'),
    some(owner, 'Condition', 0.5),
    some(owner, pick(['DocumentReference', 'Media', 'QuestionnaireResponse', 'AllergyIntolerance'])),
    ...(chance(0.3) ? [some(owner, 'Binary', 0)] : []),
  ];
  const request = add('ServiceRequest', owner, {
    status: first,
    intent: 'order',
    subject,
    requester: some(owner, pick(['Practitioner', 'Practitioner', 'RelatedPerson'])),
    supportingInfo: shown,
    ...(performer.length > 0 ? { performer } : {}),
  });
  for (const [status, age] of later)
    change(request, age, (was) => ({ ...was, status, patientInstruction: `${age} days ago` }));
  const basedOn = [ref(request)];
  if (chance(0.5)) picture(builder, owner, subject, { basedOn });
  if (chance(0.6)) answered(builder, owner, subject, basedOn);
  const isWorkedOn = current(builder.world.at.get(request)!).status === 'active';
  for (let at = pick(isDraft ? [0, 0, 1] : [0, 1, 1, 2]); at > 0; at -= 1) {
    const naming = [named(builder, chance(0.7) ? to : pick(OWNERS))];
    task(builder, owner, { for: subject, focus: ref(request) }, naming, isWorkedOn);
  }
  if (chance(0.6)) report(builder, to, subject, request);
}

/** A form that was filled in for it, with files as its answers. */
function answered(builder: Builder, owner: string, subject: Json, basedOn: Json[]): void {
  const { add, pick, chance } = builder;
  const files = [picture(builder, owner, subject), ...(chance(0.5) ? [letter(builder, owner, subject)] : [])];
  const item = files.map((to, at) => ({ linkId: ['photo', 'letter'][at], answer: [{ valueReference: ref(to) }] }));
  const questionnaire = `${FORM(owner, pick([0, 1]))}${pick(['', '|1', '|2'])}`;
  add('QuestionnaireResponse', owner, {
    status: 'in-progress',
    questionnaire,
    subject,
    basedOn,
    item: [{ linkId: 'file', item }],
  });
}

function task(builder: Builder, owner: string, about: Json, naming: Json[], isWorkedOn = false): void {
  const { add, change, chance, deal, pick, some } = builder;
  const [[first, since] = ['requested', 60], ...later] = deal(isWorkedOn ? TASKS_OF_ACTIVE : TASKS);
  const [to] = naming;
  const input = chance(0.6)
    ? {
        input: [
          {
            type: { text: 'see' },
            valueReference: some(owner, pick(['Observation', 'DocumentReference', 'Media', 'Condition'])),
          },
        ],
      }
    : {};
  const made = add(
    'Task',
    owner,
    {
      status: first,
      intent: 'order',
      ...about,
      ...input,
      ...(chance(0.7) ? { owner: to } : { restriction: { recipient: [to] } }),
    },
    since,
  );
  for (const [status, age] of later) change(made, age, (was) => ({ ...was, status, description: `${age} days ago` }));
  // Who does the work says what came of it, while the Task is open.
  const by =
    current(builder.world.at.get(to.reference)!) === undefined ? owner : builder.world.at.get(to.reference)!.owner;
  const { status, owner: doer } = current(builder.world.at.get(made)!);
  if (by === owner || doer === undefined || !isWorkedOn || !WORKED_ON.has(status)) return;
  const result = letter(builder, by, about.for);
  change(made, 1, (was) => ({ ...was, output: [{ type: { text: 'result' }, valueReference: ref(result) }] }), by);
}

const WORKED_ON = new Set(['requested', 'received', 'accepted', 'in-progress', 'on-hold', 'ready']);

/** What the other organization wrote of it; all of that is its own. */
function report(builder: Builder, by: string, subject: Json, request: string): void {
  const { add, chance, pick, some } = builder;
  const basedOn = [ref(request)];
  const result = add('Observation', by, observation(subject, by, builder));
  const media = picture(builder, by, subject);
  const later = { status: 'final', code: concept(pick(CODES)), subject, basedOn };
  add('DiagnosticReport', by, {
    ...later,
    result: [ref(result), some(by, 'Observation', 0.5)],
    media: [{ link: ref(media) }],
  });
  if (chance(0.5)) add('Observation', by, { ...observation(subject, by, builder), basedOn });
  if (chance(0.5)) add('Communication', by, { status: 'completed', subject, about: basedOn });
}
