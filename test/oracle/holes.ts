/**
 * TABLE: holes as they are made by mistake, each one a change of one place in the source. With any of them the oracle
 * must find the server wrong: that is what its silence is worth.
 */
export interface Hole {
  name: string;
  /** Below src. */
  file: string;
  /** Stands there exactly once. */
  find: string;
  replace: string;
}

const at =
  (file: string) =>
  (name: string, find: string, replace: string): Hole => ({ name, file, find, replace });

const reach = at('access/constraint.ts');
const seen = at('repository/seen.ts');
const plan = at('search/restrict.ts');
const referral = at('repository/sharing/referral.ts');
const contents = at('repository/sharing/contents.ts');
const touched = at('repository/sharing/touched.ts');
const listing = at('repository/sharing/directory.ts');
const step = at('access/steps.ts');
const consent = at('access/consent/consent.ts');
const decide = at('access/consent/decide.ts');
const within = at('store/sqlite/within.ts');

export const holes: readonly Hole[] = [
  reach('a patient’s scope is everybody’s', '? ofPatient(grant.patient, kind, type)', '? everything'),
  reach('a scope of another kind of caller counts', "(context === 'user') === (grant.user !== undefined)", 'true'),
  reach('a granular scope is the whole type', 'return condition === undefined ? undefined : joined(within, condition);', 'return within;'),
  reach('an auditor sees cases', "role === 'auditor' ? [EVERYBODY] : [owner, EVERYBODY]", '[owner, EVERYBODY]'),
  reach('who has not been asked sees what the asked one does', "role === 'auditor' ? [EVERYBODY] : [owner, EVERYBODY]", "[owner, EVERYBODY, 'Organization/north']"),
  reach('a search counts as a read', "read: ['r'],", "read: ['r', 's'],"),
  reach('a read counts as a search', "search: ['s'],", "search: ['r', 's'],"),
  reach('to create is to change', "update: ['u'],", "update: ['u', 'c'],"),
  reach('to change is to delete', "delete: ['d'],", "delete: ['d', 'u'],"),
  reach('what a patient refuses to a person is left out', 'const own = without(where, refusedOf(terms, principal, purpose, kind, type));', 'const own = where;'),
  plan('a search is not narrowed', 'return { plan: bounded(within(plan), limit(types)), owners,', 'return { plan: within(plan), owners,'),
  plan('a chain leads to what is out of reach', 'where: bounded(within(one.where), limit(one.types)) }', 'where: within(one.where) }'),
  plan('_has is met by what is out of reach', 'where: bounded(within(one.where), limit([one.by])) }', 'where: within(one.where) }'),
  plan('a condition that looks alike is taken for the limit', 'return implied ? plan : both(plan, limit);', "return implied || plan.node === 'all' && plan.of.length > 1 ? plan : both(plan, limit);"),
  seen('a chain through what may not be searched', 'if (joined !== undefined) throw sight.refusal(joined);', ''),
  seen('a total counts what is out of reach', 'store.count(within.types, within.plan, within.reach, atMost)', 'store.count(within.types, asked.plan, within.reach, atMost)'),
  seen('a history shows what is no longer seen', 'if (rule !== undefined && now.has(nameOf(one)) && (await', 'if (rule !== undefined && (await'),
  seen('a history shows what was another’s', 'now.has(nameOf(one)) && (await wasSeen(call, rule.where, one, reach))', 'now.has(nameOf(one))'),
  seen('an old version of what is no longer seen', "(await areSeenNow(call, 'read', [found])).has(nameOf(key)) && (await", '(await'),
  seen('a version that was another’s', ".has(nameOf(key)) && (await wasSeen(call, rule.where, found, reach))", '.has(nameOf(key))'),
  seen('a deletion of anybody’s', 'const last = await judgedBy(version, reach);', 'if (!isThere(version)) return true;\n    const last = await judgedBy(version, reach);'),
  seen('a read is not narrowed', 'if (one !== undefined && (await isSeen(where, one, reach))) found[at] = one;', 'if (one !== undefined) found[at] = one;'),
  seen('bytes of others may be shown', 'const shown = [...changes.flatMap(shownBy), ...opening]', 'const shown = [...opening]'),
  seen('what is written need not be within reach', 'return isSeen(rule.where, one, reach);', 'return true;'),
  seen('what is written may be another organization’s', 'if (!rule.owners.includes(one.owner) && !(await isOpenNow(one, reach))) return false;', ''),
  at('access/compartment.ts')('what speaks of a patient is the patient’s', 'const of = membership(type, registry).map(', "const of = [...membership(type, registry), 'focus', 'link'].map("),
  at('access/compartment.ts')('bytes that say whose they are follow who shows them', "{ node: 'all', of: [unsaid, { node: 'any', of: shown }] }", "{ node: 'any', of: shown }"),
  referral('a draft opens', "draft: 'closed',\n  active: 'open',", "draft: 'open',\n  active: 'open',"),
  referral('a revoked request stays open', "revoked: 'closed',", "revoked: 'open',"),
  referral('a completed request stays open', "'on-hold': 'open',\n  completed: 'ending',\n  revoked", "'on-hold': 'open',\n  completed: 'open',\n  revoked"),
  referral('who declined still sees it', "rejected: 'closed',", "rejected: 'open',"),
  referral('a cancelled Task stays open', "cancelled: 'closed',", "cancelled: 'open',"),
  referral('a Task’s status is not asked', 'by.length === 0 ? end : Math.min(end, Math.max(...ends))', 'end'),
  referral('a Task outlives its request', 'by.length === 0 ? end : Math.min(end, Math.max(...ends))', 'by.length === 0 ? end : Math.max(...ends)'),
  referral('a Task about another’s request asks for nothing', 'return requests.find((name) => world.ownerOf(name) === task.owner);', 'return requests[0];'),
  referral('days are counted from today', 'return since === 0 ? NEVER : since + endMs;', 'return since === 0 ? NEVER : since + 4 * endMs;'),
  referral('a recipient is not named', "Task: ['owner', 'restriction.recipient'],", "Task: ['owner'],"),
  referral('a service names nobody', "'HealthcareService',\n]", ']'),
  contents('others’ records are listed with one’s own', 'some.filter((one) => one.owner === owner);', 'some;'),
  contents('a subject opens more than a Patient', "request: ['supportingInfo', 'subject'],", "request: ['supportingInfo', 'subject', 'requester'],"),
  contents('answers are everybody’s', 'new Shown(world, referral.owner, {', "new Shown(world, '*', {"),
  contents('a report opens what is another’s', 'if (part.owner === one.owner) await shown.add(part, one);', 'await shown.add(part, one);'),
  contents('every version of a form is opened', 'return version === undefined ? found : found.filter(({ says }) => says.version === version);', 'return found;'),
  touched('a Task’s end changes nothing', "if (turn.change.type === 'Task') await ofTask(turn, around, touched);", ''),
  touched('a request’s end changes nothing', "if (turn.change.type === 'ServiceRequest')", "if (turn.change.type === 'ServiceRequest' && turn.was === undefined)"),
  listing('a care team of a patient is in the directory', "if (version.type !== 'CareTeam') return true;", 'return true;'),
  listing('groups are in the directory', 'Endpoint: () => true,', 'Endpoint: () => true,\n  Group: () => true,\n  List: () => true,'),
  step('the asked one changes anything', '!PERFORMERS.has(element) && ', "element === '' && "),
  step('any step may be taken', 'if (from === to || mayTake(part, from, to)) return undefined;', "if (from !== '') return undefined;"),
  step('whoever sees a Task takes its steps', 'if (asked.was !== owner)', "if (asked.was === '')"),
  // One that has ended is no longer read from the store, by which the write that ends it is settled: that it counts is not seen.
  at('repository/consents/index.ts')('a Consent that changes opens and closes nothing', "if (change.type !== 'Consent') return [];", "if (change.type !== 'Consent' || was !== undefined) return [];"),
  consent('a Consent counts before its time', 'from: start === undefined ? firstInstant : (spanOf(start)?.from ?? firstInstant),', 'from: firstInstant,'),
  consent('a Consent counts after its time', 'until: end === undefined ? lastInstant + 1 : (spanOf(end)?.to ?? lastInstant) + 1,', 'until: lastInstant + 1,'),
  consent('a Consent is about all types', 'classes: classes?.all,', 'classes: undefined,'),
  consent('a Consent is about all labels', 'labels: labels?.all,', 'labels: undefined,'),
  consent('exceptions are left out', 'exceptions: ((list(provision.provision) as', 'exceptions: ((list(undefined) as'),
  // A list of what is open asks for its end too, but each row of so small a world is asked once more.
  at('access/consent/windows.ts')('what is open has no end', 'const end = starts[n + 1] ?? until;', 'const end = until;'),
  decide('the oldest Consent decides', 'other.given - one.given ||', 'one.given - other.given ||'),
  decide('what names nobody is about one’s own people', '(!inside || actor === true)', '(!inside || true)'),
  decide('a refusal for another purpose counts', 'if (meant === false) return nothing;', ''),
  within('an end is not looked at', 'AND o.since <= ${opened.at} AND o.until > ${opened.at})`', 'AND o.since <= ${opened.at})`'),
  within('a beginning is not looked at', 'AND o.since <= ${opened.at} AND o.until > ${opened.at})`', 'AND o.until > ${opened.at})`'),
  at('store/sqlite/history.ts')('a history has no end', 'AND since <= ${opened.at} AND until > ${opened.at}`', 'AND since <= ${opened.at}`'),
  at('search/page.ts')('a cursor is anybody’s', ' && sameText(signed, signature(payload, binding));', ';'),
  at('access/principal.ts')('a cursor belongs to no caller', 'return `${JSON.stringify([owner, client, user, patient])} `;', "return [owner, client, user, patient].length > 9 ? 'x' : '';"),
  at('access/policy.ts')('staff write Consents', 'referrer: CARES,', "referrer: { ...CARES, consent: 'cruds' },"),
  at('access/policy.ts')('patients change all that is theirs', "const SENDS: Allowed = { submission: 'crus', care: 'rs',", "const SENDS: Allowed = { submission: 'crus', care: 'crus',"),
]; // prettier-ignore
