/**
 * Who belongs to a patient: what is in the compartment now (R4 compartmentdefinition.html), what was deleted from it,
 * and what has left it. Old versions have no search values any more, so theirs are made again to look at them.
 */
import type { Call } from '../../access/principal.js';
import type { Issue } from '../../fhir/outcome.js';
import type { Resource } from '../../fhir/types.js';
import { assert } from '../../kit/assert.js';
import { limits } from '../../kit/limits.js';
import { compartmentOf } from '../../search/compartment.js';
import { matches } from '../../search/match.js';
import { isRange, type Entry } from '../../search/plan.js';
import type { SearchRegistry } from '../../search/registry.js';
import { REFERS, type Doomed, type Key, type Store, type Version } from '../../store/port.js';
import { asked } from '../failures.js';
import { nameOf } from '../operations.js';
import { withEntries } from '../reindex.js';
import { keyOf, pagesOf, reachOf, warning, type Stopped } from './scan.js';

export interface MemberParts {
  store: Store;
  registry: SearchRegistry;
  extract: (resource: Resource) => Entry[];
}

/** Of the resources that belong, or belonged, to the patient: what is to go, and what stays, told why. */
export interface Verdict {
  doomed: Doomed[];
  kept: Issue[];
}

export type Members = ReturnType<typeof createMembers>;

export function createMembers({ store, registry, extract }: MemberParts, patient: Key) {
  const name = nameOf(patient);
  const { types, condition } = compartmentOf(patient.type, patient.id, '*', registry);
  assert(condition.kind === 'within', 'A compartment is a condition of its own kind.');
  const { plan } = condition;
  const membership = registry.definitions.compartments.get(patient.type) ?? new Map<string, readonly string[]>();

  /** What was in the compartment in any version; the patient first. */
  async function everMembers(call: Call, stopped: Stopped): Promise<{ keys: Map<string, Key>; unclear: Issue[] }> {
    const keys = new Map([[name, patient]]);
    const unclear: Issue[] = [];
    for await (const versions of pagesOf(store, name, reachOf(call), stopped)) {
      for (const version of versions) {
        if (keys.has(nameOf(version))) continue;
        const found = withEntries({ extract }, version);
        if (found === undefined) unclear.push(warning(`${told(version)} cannot be looked into, and stays.`));
        else if (belongs(found)) keys.set(nameOf(version), keyOf(version));
      }
    }
    return { keys, unclear };
  }

  /** What is in the compartment at this moment, by its search values: nobody waits for a scan here. */
  async function currentMembers(call: Call): Promise<Key[]> {
    const keys: Key[] = [];
    for (let after: Parameters<Store['search']>[3]['after']; ;) {
      const request = {
        size: limits.keepingVersions,
        bytes: limits.keepingBytes,
        ...(after === undefined ? {} : { after }),
      };
      const page = await asked(store.search(types, plan, [], request, reachOf(call)));
      keys.push(...page.items.map(keyOf));
      if (page.next === undefined) return keys;
      after = page.next;
    }
  }

  /** Reads what they are now. What also is another patient's record stays: to erase it would take it from them. */
  async function judge(call: Call, keys: Key[]): Promise<Verdict> {
    const verdict: Verdict = { doomed: [], kept: [] };
    for (let at = 0; at < keys.length; at += AT_ONCE) {
      const found = await asked(store.read(keys.slice(at, at + AT_ONCE), reachOf(call)));
      for (const current of found) {
        if (current === undefined) continue;
        const last = current.text === undefined ? await before(call, current) : current;
        const others = last === undefined ? [] : othersOf(last);
        const isMember = last !== undefined && belongs(last);
        const label = nameOf(current);
        // Only what is needed: there may be very many.
        const doomed: Doomed = { ...keyOf(current), version: current.version };
        if (label === name) verdict.doomed.push(doomed);
        else if (others.length > 0) {
          const also = isMember ? 'belongs to' : 'belonged to';
          const say = `${label} ${also} ${name}, and ${isMember ? 'also' : 'now'} to ${others.slice(0, 5).join(', ')}: it stays.`;
          verdict.kept.push(warning(`${say} Take out what is about ${name} by hand.`, label));
        } else if (isMember || current.text === undefined) verdict.doomed.push(doomed);
        else
          verdict.kept.push(
            warning(
              `${label} belonged to ${name} once, and to nobody now: it stays. Delete it and purge again.`,
              label,
            ),
          );
      }
    }
    return verdict;
  }

  async function before(call: Call, { version, ...key }: Version) {
    const last = await asked(store.version(key, version - 1, reachOf(call)));
    return last && withEntries({ extract }, last);
  }

  /** R4 has no Binary in any compartment; one whose access follows the patient is the patient's. */
  const belongs = (doc: Version & { entries: readonly Entry[] }): boolean =>
    doc.type === 'Binary' ? patientsOf(doc).includes(name) : matches(plan, doc, []);

  /** The patients whose compartments it is in. */
  function patientsOf({ type, id, entries }: Version & { entries: readonly Entry[] }): string[] {
    const params = new Set(type === 'Binary' ? [REFERS] : membership.get(type));
    const found = entries.flatMap((entry) =>
      params.has(entry.param) && !isRange(entry) && entry.value.startsWith(`${patient.type}/`) ? [entry.value] : [],
    );
    return [...new Set(type === patient.type ? [`${type}/${id}`, ...found] : found)];
  }

  /** The patients whose record it is, beside this one. */
  const othersOf = (doc: Version & { entries: readonly Entry[] }): string[] =>
    patientsOf(doc).filter((other) => other !== name);

  return { everMembers, currentMembers, judge, othersOf };
}

const told = (version: Version): string => `${nameOf(version)}/_history/${version.version}`;

const AT_ONCE = 50;
