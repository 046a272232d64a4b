/**
 * The links of what one request writes: those inside a transaction become what its entries are stored as, those by
 * search what they find, and all of them must lead somewhere (R4 http.html#trules, #transactional-integrity).
 */
import type { Call } from '../access/principal.js';
import type { Definitions } from '../fhir/definitions.js';
import { conditionalReferences, rewrite, unresolvedReferences, type LinkMap } from '../fhir/links/index.js';
import { failure } from '../fhir/outcome.js';
import { createTargets } from '../fhir/transaction/targets.js';
import type { Resource } from '../fhir/types.js';
import { Turns } from '../kit/turns.js';
import { matches, type Doc } from '../search/match.js';
import type { Entry } from '../search/plan.js';
import type { Finder } from './criteria.js';
import { nameOf, type Step } from './operations.js';
import type { Where } from './resolve.js';

export interface LinkingParts {
  definitions: Definitions;
  finder: Finder;
  extract: (resource: Resource) => Entry[];
}

/** Gives the resource of a step its final links. */
export type Linked = (step: Step) => Link;

export type Link = (resource: Resource) => {
  resource: Resource;
  /**
   * What is checked: the same, but with its elements of type oid and uuid as they came. R4 has links put there
   * (http.html#trules) that are no longer an OID or UUID by the rules of these types.
   */
  judged: Resource;
};

export function createLinking({ definitions, finder, extract }: LinkingParts) {
  /** @param steps all that one transaction does */
  return async function linking(call: Call, steps: Step[], where: Where): Promise<Linked> {
    const targets = createTargets(
      steps.flatMap(({ work: { operation }, key, was, unchanged }) =>
        operation.fullUrl === undefined || operation.method === 'DELETE'
          ? []
          : [
              {
                fullUrl: operation.fullUrl,
                local: nameOf(key),
                version: unchanged === true ? (was?.version ?? 0) : (was?.version ?? 0) + 1,
                ...(operation.resource === undefined ? {} : { resource: operation.resource }),
              },
            ],
      ),
    );
    const found = await conditional(call, steps, where);
    return ({ work: { operation } }) =>
      (resource) => {
        const own = targets.mapFor(operation.fullUrl);
        const map: LinkMap = (url, kind) => (kind === 'reference' ? found.get(url) : undefined) ?? own(url, kind);
        const [lost] = unresolvedReferences(resource, definitions, map);
        if (lost === undefined) {
          const judged = rewrite(resource, definitions, (url, kind) =>
            kind === 'oid' || kind === 'uuid' ? undefined : map(url, kind),
          );
          return { resource: rewrite(judged, definitions, own), judged };
        }
        const say = `No entry of this Bundle has the fullUrl ${lost.url.slice(0, 100)}, so nobody could follow it.`;
        throw failure('invalid', say, lost.path);
      };
  };

  /** References by search, which see what the transaction itself writes (R4 http.html#trules, the last step). */
  async function conditional(call: Call, steps: Step[], where: Where): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    let world: Doc[] | undefined;
    const written = new Set(steps.filter(({ unchanged }) => unchanged !== true).map(({ key }) => nameOf(key)));
    const turns = new Turns();
    for (const { work } of steps) {
      if (turns.over) await turns.next();
      const { operation } = work;
      if (operation.resource === undefined) continue;
      for (const { url, type, query, path } of conditionalReferences(operation.resource, definitions)) {
        if (found.has(url)) continue;
        const criteria = finder.read(call, type, query, path);
        world ??= worldOf(steps, call);
        const here = world.filter((doc) => doc.type === type && matches(criteria.plan, doc, world ?? []));
        // What this transaction changes is judged by what it becomes.
        const there = (await finder.find(call, criteria, written.size + 2)).filter((one) => !written.has(nameOf(one)));
        const [only, second] = [...here, ...there];
        if (only === undefined || second !== undefined) {
          const what = only === undefined ? 'nothing' : 'several resources';
          const say = `${url.slice(0, 200)} finds ${what}; a reference by search must find exactly one.`;
          throw failure('precondition', say, where(operation, path.replace(/^[^.]+/, 'resource')));
        }
        found.set(url, nameOf(only));
      }
    }
    return found;
  }

  function worldOf(steps: Step[], { at, principal }: Call): Doc[] {
    return steps.flatMap(({ work: { operation }, key, unchanged }) =>
      operation.resource === undefined || unchanged === true
        ? []
        : [
            {
              ...key,
              owner: principal.owner,
              updated: at,
              entries: extract({ ...withoutSearches(operation.resource), id: key.id }),
            },
          ],
    );
  }

  /** What a reference by search will be is not known yet, so it can be found by nothing. */
  function withoutSearches(resource: Resource): Resource {
    const searches = new Set(conditionalReferences(resource, definitions).map(({ url }) => url));
    return rewrite(resource, definitions, (url) => (searches.has(url) ? UNKNOWN : undefined));
  }
}

const UNKNOWN = 'urn:uuid:00000000-0000-0000-0000-000000000000';
