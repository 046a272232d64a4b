/**
 * One write of one resource or of many, all of it or nothing: conditions find what it is about, documents are made and
 * checked, and one call to the store takes them together with all that must hold meanwhile. Who was overtaken begins
 * anew, unless the client named the version.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Access } from '../access/constraint.js';
import type { Call } from '../access/principal.js';
import type { Blobs } from '../blob/port.js';
import { failure, FhirError, isRefusal, issueOf, type Issue } from '../fhir/outcome.js';
import { assert } from '../kit/assert.js';
import type { Clock } from '../kit/clock.js';
import { limits } from '../kit/limits.js';
import { Turns } from '../kit/turns.js';
import { isThere, StoreError, type Along, type AuditRecord, type Change, type VaultRecord } from '../store/port.js';
import type { ResponseCheck } from '../validate/response.js';
import { createDoubts } from './consents/doubts.js';
import { createAnswers, isDefinition } from './answers.js';
import { createAccept, type AcceptParts } from './accept.js';
import { isStoreFailure, tellStoreFailure } from './failures.js';
import { createLinking, type Link, type LinkingParts } from './linking.js';
import { keyOf, nameOf, type Resolved, type Step, type Work, type Written } from './operations.js';
import type { Sharing } from './sharing/index.js';
import type { Turn } from './sharing/touched.js';
import { namedAt } from './sharing/world.js';
import type { Named } from './reach.js';
import { References, type Made } from './references.js';
import { createResolve, type ResolveParts } from './resolve.js';
import type { SeenStore } from './seen.js';
import type { Setting } from './setting.js';
import type { TermsDesk } from './terms.js';

export interface WritingParts extends AcceptParts, LinkingParts, ResolveParts {
  store: SeenStore;
  access: Access;
  blobs: Blobs;
  clock: Clock;
  responses: ResponseCheck;
  /** `REFERENTIAL_INTEGRITY`: references must lead somewhere, or a warning says that they do not, or nobody looks. */
  integrity: 'enforce' | 'warn' | 'off';
  /** What is opened to other organizations; undefined where there is only one. */
  sharing?: Sharing | undefined;
  terms: Pick<TermsDesk, 'after'>;
}

/**
 * One result for each work, in their order; a condition that deletes several gives the last of them. `record` is put
 * into the vault by the same write, whether that changes anything or not, and `audit` into the trail beside its own records.
 */
export type Write = (
  call: Call,
  works: Work[],
  setting: Setting,
  record?: (results: Written[]) => VaultRecord,
  audit?: readonly AuditRecord[],
) => Promise<Written[]>;

export function createWriting(parts: WritingParts): Write {
  const { store, blobs, clock, base, integrity, responses, sharing, terms } = parts;
  const resolve = createResolve(parts);
  const accept = createAccept(parts);
  const checkAnswers = createAnswers(parts);
  const link = createLinking(parts);
  const doubts = createDoubts(parts);

  return async function write(call, works, setting, record, audit) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await attemptOnce(call, works, setting, record, audit);
      } catch (error) {
        const overtaken = isStoreFailure(error, 'conflict') || isStoreFailure(error, 'guard');
        if (!overtaken || attempt >= limits.writeAttempts)
          throw error instanceof StoreError ? tellStoreFailure(error) : error;
        // Those who met do not meet again.
        await pause(Math.random() * attempt);
      }
    }
  };

  async function attemptOnce(
    call: Call,
    works: Work[],
    setting: Setting,
    record?: (results: Written[]) => VaultRecord,
    more: readonly AuditRecord[] = [],
  ): Promise<Written[]> {
    const turns = new Turns();
    const resolved = await resolve(call, works, setting.where, setting.told);
    const { steps } = resolved;
    if (turns.over) await turns.next();
    const linked = setting.linked ? await link(call, steps, setting.where) : undefined;
    const writes: (Turn & { work: Work })[] = [];
    const issues = new Map<Work, Issue[]>();
    const references = new References();
    for (const step of steps) {
      if (step.unchanged === true) continue;
      if (turns.over) await turns.next();
      try {
        const made = await changeOf(call, step, steps, linked?.(step));
        if (made === undefined) continue;
        writes.push({ change: made.change, was: step.was, work: step.work });
        issues.set(step.work, made.issues);
        if (integrity !== 'off') references.add(made, step.work);
      } catch (error) {
        throw setting.told(error, step.work);
      }
    }
    if (turns.over) await turns.next();
    const changes = writes.map(({ change }) => change);
    await demandSteps(call, writes, setting);
    const done = results(works, steps, changes, issues);
    const audit = [...((changes.length > 0 ? call.trail?.writing(writes) : undefined) ?? []), ...more];
    const along = audit.length === 0 ? {} : { audit };
    await commit(call, writes, resolved, references, issues, setting, record?.(done), along);
    return done;
  }

  async function changeOf(call: Call, step: Step, steps: readonly Step[], linked?: Link): Promise<Made | undefined> {
    const { work, key, was } = step;
    const { method } = work.operation;
    if (method === 'DELETE' && !isThere(was)) return undefined;
    assert(method !== 'GET' && method !== 'HEAD', 'What only reads is no work.');
    const version = (was?.version ?? 0) + 1;
    // Times of one resource never run backwards or stand still, whatever the machine's clock does.
    const updated = Math.max(clock.now(), (was?.updated ?? 0) + 1);
    const owner = was?.owner ?? call.principal.owner;
    const written = { ...key, version, updated, owner, method };
    if (method === 'DELETE') return { change: { ...written, text: undefined, entries: [] }, issues: [] };
    const { stored, blob, issues, placeOf } = await accept(step, linked);
    const { head, ...made } = stored({ id: key.id, version, updated });
    if (key.type === 'QuestionnaireResponse') {
      // What is large was read on a thread, and is checked there too.
      const response = made.document ?? (head === undefined ? made.text : { head, text: made.text });
      issues.push(...(await checkAnswers(call, response, was?.text, steps)));
      if (issues.some(isRefusal)) throw new FhirError('unprocessable', issues);
    }
    if (key.type === 'Consent') issues.push(...doubts(made.document ?? made.text));
    const change: Change = { ...written, ...made, ...(blob === undefined ? {} : { blob }) };
    // What was seen before the write must be so after it: nobody moves a resource out of their reach, or into it.
    // Whoever writes to what was deleted updates it.
    const purpose = was === undefined ? 'create' : 'update';
    if (!(await store.mayBecome(call, purpose, change))) throw outside(call, key.type);
    return { change, issues, placeOf };
  }

  async function demandSteps({ principal }: Call, writes: (Turn & { work: Work })[], { told }: Setting): Promise<void> {
    for (const write of writes) {
      if (write.change.type !== 'Task') continue;
      try {
        await sharing?.demandStep(principal, write, writes);
      } catch (error) {
        throw told(error, write.work);
      }
    }
  }

  async function commit(
    call: Call,
    writes: readonly Turn[],
    { guards }: Resolved,
    references: References,
    issues: Map<Work, Issue[]>,
    { told }: Setting,
    record: VaultRecord | undefined,
    along: Along,
  ): Promise<void> {
    const changes = writes.map(({ change }) => change);
    if (changes.length === 0 && record === undefined) return;
    const written = new Map(changes.map((change) => [nameOf(change), change]));
    const present = references.keys().filter((name) => written.get(name)?.text === undefined);
    const unreferred = changes.filter(({ text }) => text === undefined).map(({ type, id }) => ({ type, id }));
    const demands = integrity === 'enforce' && present.length + unreferred.length > 0;
    const demanded = demands ? { present: present.map(keyOf), unreferred } : undefined;
    if (integrity === 'warn') await warn(call, present, references, issues);
    const opening = changes.flatMap(outputsOf);
    // From here on others wait for it, until it leaves.
    const shared = await sharing?.with(writes);
    const opened = shared === undefined || shared.opened.length === 0 ? {} : { opened: shared.opened };
    const put = (named: Partial<Named>) =>
      store.write(call, changes, guards, demanded, record, { ...along, ...opened }, named);
    try {
      await put({ opening }).catch(async (error: unknown) => {
        // What the same resource named before may be out of reach by now: it stays named.
        const kept = isStoreFailure(error, 'missing') ? await sharing?.keptBy(writes) : undefined;
        if (kept?.has((error as StoreError).at ?? '') !== true) throw error;
        await put({ opening, kept });
      });
      call.trail?.written();
      if (changes.some(isDefinition)) responses.forget();
      terms.after(changes);
    } catch (error) {
      if (!isStoreFailure(error, 'missing')) throw error;
      const { at = '' } = error as StoreError;
      const { work, path } = references.of(at);
      const say = `${at} is not on this server, so this reference would lead nowhere. Nothing was written.`;
      const refused = failure('unprocessable', `${say} Write ${at} first, or in the same transaction.`, path);
      throw work === undefined ? refused : told(refused, work);
    } finally {
      shared?.leave();
    }
    // Only now: after a write whose outcome is unknown, the bytes stay held until the hold is old.
    for (const { blob } of changes) if (blob !== undefined) blobs.settled(blob).catch(() => undefined);
    await shared?.settle();
  }

  /** What a Task has as output becomes visible to the Task's organization. */
  function outputsOf({ type, text, document }: Change): string[] {
    if (type !== 'Task' || text === undefined) return [];
    return namedAt(document ?? JSON.parse(text), 'output.valueReference', base);
  }

  async function warn(
    call: Call,
    present: string[],
    references: References,
    issues: Map<Work, Issue[]>,
  ): Promise<void> {
    const found = await store.read(call, 'refer', present.map(keyOf), true);
    present.forEach((name, at) => {
      const { work, path } = references.of(name);
      if (work === undefined || isThere(found[at])) return;
      const issue = issueOf('not-found', `${name} is not on this server: this reference leads nowhere yet.`, path);
      issues.get(work)?.push({ ...issue, severity: 'warning' });
    });
  }
}

function outside({ principal }: Call, type: string): FhirError {
  const patient = principal.grant?.patient;
  const whose = patient === undefined ? '' : `, such as being about Patient/${patient}`;
  const more = type === 'Binary' && patient !== undefined ? ` (X-Security-Context: Patient/${patient})` : '';
  const say = `This ${type} is not what this token may write${whose}${more}. Nothing was written.`;
  return failure('forbidden', `${say} Change what it says, or ask for a wider scope.`, type);
}

function results(works: Work[], steps: Step[], changes: Change[], issues: Map<Work, Issue[]>): Written[] {
  const written = new Map(changes.map((change) => [nameOf(change), change]));
  const byWork = new Map<Work, Written>();
  for (const { work, key, was, unchanged } of steps) {
    const change = unchanged === true ? undefined : written.get(nameOf(key));
    byWork.set(work, {
      version: change ?? was,
      created: change !== undefined && !isThere(was),
      changed: change !== undefined,
      issues: issues.get(work) ?? [],
    });
  }
  const nothing: Written = { version: undefined, created: false, changed: false, issues: [] };
  return works.map((work) => byWork.get(work) ?? nothing);
}
