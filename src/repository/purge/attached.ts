/**
 * The bytes of a patient: R4's compartment has no Binary, but a photo that an erased record shows is as much the
 * patient's as the record. It goes with them, unless something that stays shows it too.
 */
import type { Call } from '../../access/principal.js';
import type { Definitions } from '../../fhir/definitions.js';
import { referencesIn } from '../../fhir/links/index.js';
import type { Issue } from '../../fhir/outcome.js';
import { parseReference } from '../../fhir/reference.js';
import type { Resource } from '../../fhir/types.js';
import { parseJson } from '../../kit/json.js';
import { limits } from '../../kit/limits.js';
import type { HistoryScope, Key, Position, Store, Version } from '../../store/port.js';
import { asked } from '../failures.js';
import { nameOf } from '../operations.js';
import { pagesOf, reachOf, refuseLate, warning, type Stopped } from './scan.js';

interface Parts {
  store: Store;
  definitions: Definitions;
  base: string;
}

export function createAttached({ store, definitions, base }: Parts) {
  /** The Binaries that any version of these links to. */
  async function attachedTo(call: Call, keys: readonly Key[], stopped: Stopped): Promise<Map<string, Key>> {
    const found = new Map<string, Key>();
    for (const key of keys) {
      refuseLate(stopped);
      for await (const version of versionsOf(store, call, key))
        for (const binary of binariesIn(version)) found.set(nameOf(binary), binary);
    }
    return found;
  }

  /** Of these Binaries, those that current resources outside of what is to go link to, and who does. */
  async function shownElsewhere(
    call: Call,
    binaries: ReadonlyMap<string, Key>,
    doomed: ReadonlySet<string>,
    stopped: Stopped,
  ): Promise<Map<string, Issue>> {
    const shown = new Map<string, Issue>();
    if (binaries.size === 0) return shown;
    for await (const versions of pagesOf(store, 'Binary/', reachOf(call), stopped)) {
      const others = versions.filter((version) => !doomed.has(nameOf(version)));
      const linking = others.filter((version) => binariesIn(version).some((binary) => binaries.has(nameOf(binary))));
      const current = await asked(store.read(linking, reachOf(call)));
      linking.forEach((version, at) => {
        if (current[at]?.version !== version.version) return;
        for (const binary of binariesIn(version).map(nameOf))
          if (binaries.has(binary))
            shown.set(binary, warning(`${binary} is shown by ${nameOf(version)} too: it stays.`, binary));
      });
    }
    return shown;
  }

  function binariesIn({ text }: Version): Key[] {
    // Most texts have none, and need not be read.
    if (text?.includes('Binary/') !== true) return [];
    const found: Key[] = [];
    for (const { url } of referencesIn(parseJson(text, limits.depth) as Resource, definitions)) {
      const parsed = parseReference(url, base);
      if (parsed?.kind === 'resource' && parsed.base === undefined && parsed.type === 'Binary')
        found.push({ type: 'Binary', id: parsed.id });
    }
    return found;
  }

  return { attachedTo, shownElsewhere };
}

/** All versions of one resource. */
export async function* versionsOf(store: Store, call: Call, { type, id }: Key): AsyncGenerator<Version> {
  const scope: HistoryScope = { type, id };
  let after: Position | undefined;
  do {
    const request = { size: 50, bytes: limits.keepingBytes, ...(after === undefined ? {} : { after }) };
    const page = await asked(store.history(scope, request, reachOf(call)));
    yield* page.items;
    after = page.next;
  } while (after !== undefined);
}
