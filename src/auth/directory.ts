/** Looks into the resources for those who sign in, as they themselves: a picker shows what its user may see, and nothing else. */
import type { Call, Principal } from '../access/principal.js';
import { parseScopes } from '../access/scopes.js';
import { FhirError } from '../fhir/outcome.js';

import type { Clock } from '../kit/clock.js';
import { requestId } from '../kit/id.js';
import { limits } from '../kit/limits.js';
import type { Repository } from '../repository/repository.js';
import { parseSearch } from '../search/parse.js';
import type { SearchRegistry } from '../search/registry.js';
import type { Account } from './accounts.js';
import { isId, parseLocal } from './local.js';

export interface Directory {
  /** Patients whose name begins so; '' for any. */
  patients(account: Account, name: string): Promise<Shown[]>;
  encounters(account: Account, patient: string): Promise<Shown[]>;
  isEncounterOf(account: Account, encounter: string, patient: string): Promise<boolean>;
  /** What is shown of `Type/id`; undefined when this user cannot see it. */
  find(account: Account, reference: string): Promise<Shown | undefined>;
}

/** One line of a picker. */
export interface Shown {
  id: string;
  text: string;
}

export interface DirectoryParts {
  repository: Repository;
  registry: SearchRegistry;
  clock: Clock;
  base: string;
}

export function createDirectory({ repository, registry, clock, base }: DirectoryParts): Directory {
  const callOf = (account: Account): Call => ({ id: requestId(), at: clock.now(), principal: asPerson(account) });

  async function found(account: Account, type: string, query: string): Promise<Shown[]> {
    const search = parseSearch(query, [type], registry, { lenient: false, base, now: clock.now() });
    const { matches } = await repository.search(callOf(account), search);
    return matches.map(({ text = '{}' }) => shownOf(JSON.parse(text) as Json));
  }

  async function find(account: Account, reference: string): Promise<Shown | undefined> {
    const key = parseLocal(reference);
    if (key === undefined) return undefined;
    try {
      const { text = '{}' } = await repository.read(callOf(account), key);
      return shownOf(JSON.parse(text) as Json);
    } catch (error) {
      if (error instanceof FhirError && error.status < 500) return undefined;
      throw error;
    }
  }

  return {
    async patients(account, name) {
      const own = ownPatients(account);
      if (own !== undefined) {
        const shown = await Promise.all(own.map((id) => find(account, `Patient/${id}`)));
        return shown.filter((one) => one !== undefined);
      }
      const said = name.trim() === '' ? '' : `&name=${encodeURIComponent(escaped(name.trim()))}`;
      return found(account, 'Patient', `_sort=family&_count=${limits.picked}${said}`);
    },
    encounters: (account, patient) =>
      found(account, 'Encounter', `patient=${encodeURIComponent(patient)}&_sort=-date&_count=${limits.picked}`),
    async isEncounterOf(account, encounter, patient) {
      if (!isId(encounter) || !isId(patient)) return false;
      return (await found(account, 'Encounter', `_id=${encounter}&patient=${patient}`)).length === 1;
    },
    find,
  };
}

/** Only patients and those related to them are bound to somebody. */
export const ownPatients = ({ fhirUser, patients, role }: Account): string[] | undefined => {
  if (role !== 'patient' && role !== 'related-person') return undefined;
  const self = fhirUser?.startsWith('Patient/') === true ? [fhirUser.slice('Patient/'.length)] : [];
  return [...new Set([...self, ...(patients ?? [])])].filter(isId);
};

/** As they are before any app: with all that their role may see. */
function asPerson(account: Account): Principal {
  const { fhirUser, id, organization, role, username } = account;
  const [patient] = ownPatients(account) ?? [];
  return {
    name: username,
    role,
    owner: organization,
    owners: [organization],
    grant: {
      id: `sign-in:${id}`,
      client: 'sign-in',
      user: id,
      scopes: parseScopes('user/*.rs'),
      ...(fhirUser === undefined ? {} : { fhirUser }),
      ...(patient === undefined ? {} : { patient }),
    },
  };
}

type Json = Record<string, unknown>;

/** A comma would make two names of one. (R4 search.html#escaping) */
const escaped = (text: string): string => text.replace(/[\\,$|]/g, String.raw`\$&`);

function shownOf(resource: Json): Shown {
  const { resourceType, id } = resource as { resourceType: string; id: string };
  const texts = resourceType === 'Encounter' ? encounterTexts(resource) : personTexts(resource);
  const text = texts.filter((part) => typeof part === 'string' && part !== '').join(', ');
  return { id, text: text === '' ? `${resourceType}/${id}` : text };
}

/** What is shown of a Patient; of another type as much of it as there is. */
interface Person {
  name?: { text?: string; family?: string; given?: string[] }[] | string;
  birthDate?: string;
  gender?: string;
}

function personTexts(resource: Json): unknown[] {
  const { name, birthDate, gender } = resource as Person;
  if (!Array.isArray(name)) return [name];
  const [first] = name;
  const full = first?.text ?? [...(first?.given ?? []), first?.family].filter((part) => part !== undefined).join(' ');
  return [full, birthDate, gender];
}

interface Encounter {
  period?: { start?: string };
  status?: string;
  class?: { display?: string };
  type?: { text?: string }[];
}

function encounterTexts(resource: Json): unknown[] {
  const { period, status, class: kind, type } = resource as Encounter;
  return [period?.start?.slice(0, 10), type?.[0]?.text ?? kind?.display, status];
}
