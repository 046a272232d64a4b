/** What `$validate` asks: all that a write would be told, without the write. Nothing is stored, no bytes either. */
import type { Access } from '../access/constraint.js';
import type { Call } from '../access/principal.js';
import type { Definitions } from '../fhir/definitions.js';
import { literalReferences } from '../fhir/links/index.js';
import { FhirError, isRefusal, issueOf, type Issue } from '../fhir/outcome.js';
import type { Resource, ResourceType } from '../fhir/types.js';
import { limits } from '../kit/limits.js';
import type { Entry } from '../search/plan.js';
import type { Store } from '../store/port.js';
import { practiceIssues } from '../validate/practices.js';
import { uncheckedIssues } from '../validate/unchecked.js';
import type { ResponseCheck } from '../validate/response.js';
import type { Validator } from '../validate/validator.js';
import { createAnswers } from './answers.js';
import { createDoubts } from './consents/doubts.js';
import { asked } from './failures.js';
import { idBrought, keyOf, nameOf, type Brought } from './operations.js';
import { refuseFaultsInTurns } from './prepare/faults.js';
import type { Prepared, Task } from './prepare/prepare.js';
import type { SeenStore } from './seen.js';
import { joinedText } from './version.js';

/** What the resource is to be checked for (R4 resource-operation-validate.html, value set resource-validation-mode). */
export const validationModes = ['create', 'update', 'delete', 'profile'] as const;
export type ValidationMode = (typeof validationModes)[number];

export interface Question {
  type: ResourceType;
  /** Of the resource in the URL. */
  id?: string;
  mode?: ValidationMode;
  /** Absent for a deletion. */
  brought?: Brought;
  /** Profiles that the client wants it checked against. */
  profiles: string[];
}

export interface CheckingParts {
  store: SeenStore;
  /** Whoever refers to these, whoever asks. */
  referrers: Store['erasing']['referrers'];
  access: Access;
  definitions: Definitions;
  validator: Validator;
  extract: (resource: Resource) => Entry[];
  base: string;
  integrity: 'enforce' | 'warn' | 'off';
  responses: ResponseCheck;
  prepare: (task: Task) => Promise<Prepared>;
}

export type Validate = (call: Call, question: Question) => Promise<Issue[]>;

export function createChecking(parts: CheckingParts): Validate {
  const { store, referrers, access, definitions, validator, extract, base, integrity } = parts;
  const checkAnswers = createAnswers(parts);
  const doubts = createDoubts(parts);

  return async function validate(call, question) {
    access.demandOperation(call.principal, '$validate');
    const { mode, brought } = question;
    const issues = mode === 'delete' ? await deletion(call, question) : await identity(call, question);
    if (brought === undefined) return issues;
    const { found, places } = await contentOf(brought);
    issues.push(...found);
    if (mode !== 'delete') issues.push(...(await lostReferences(call, places)));
    const checked = brought.resource;
    if (checked !== undefined && !found.some(isRefusal)) {
      issues.push(...practiceIssues(checked), ...uncheckedIssues(definitions, checked), ...doubts(checked));
    }
    if (question.type === 'QuestionnaireResponse' && mode !== 'delete' && !found.some(isRefusal)) {
      issues.push(...(await answers(call, question, brought)));
    }
    return issues;
  };

  /** Against the questionnaire, and where it is an update, against what is stored. */
  async function answers(call: Call, { id, mode, type }: Question, brought: Brought): Promise<Issue[]> {
    const own = id ?? idBrought(brought);
    const isUpdate = own !== undefined && (mode === 'update' || (mode === undefined && id !== undefined));
    const [was] = isUpdate ? await asked(store.read(call, 'read', [{ type, id: own }])) : [];
    const { resource, prepared } = brought;
    const { made } = prepared ?? {};
    const text = made && joinedText(made.rest, { id: own ?? '', version: 1, updated: 0 });
    const large = text === undefined || made?.head === undefined ? text : { head: made.head, text };
    return checkAnswers(call, resource ?? large ?? {}, was?.text);
  }

  /** The same function that every write passes, and what it must not run into later: too many search values. */
  async function contentOf({ resource, prepared }: Brought): Promise<Content> {
    if (prepared !== undefined) {
      const { refusal, made } = prepared;
      return { found: refusal?.issues ?? made?.issues ?? [], places: made?.places ?? new Map() };
    }
    try {
      const found = await refuseFaultsInTurns(validator, resource);
      extract(resource);
      const places = literalReferences(resource, definitions, base).map(({ type, id, path }): [string, string] => [
        `${type}/${id}`,
        path,
      ]);
      return { found, places: new Map(places) };
    } catch (error) {
      if (!(error instanceof FhirError)) throw error;
      return { found: error.issues, places: new Map() };
    }
  }

  async function lostReferences(call: Call, places: ReadonlyMap<string, string>): Promise<Issue[]> {
    if (integrity === 'off') return [];
    const names = [...places.keys()].slice(0, limits.searchValues);
    const found = await asked(store.read(call, 'refer', names.map(keyOf)));
    const lost = names.filter((_, at) => found[at]?.text === undefined);
    return lost.slice(0, limits.issues).map((name) => ({
      ...issueOf('not-found', `${name} is not on this server, so this reference would lead nowhere.`, places.get(name)),
      severity: integrity === 'enforce' ? 'error' : 'warning',
    }));
  }

  /** Whether the resource that is brought is the one that the URL and the mode are about. */
  async function identity(call: Call, { type, id, mode, brought }: Question): Promise<Issue[]> {
    const own = brought === undefined ? id : idBrought(brought);
    if (id !== undefined && own !== id) {
      const say = `The resource ${own === undefined ? 'has no id' : `has the id ${own.slice(0, 64)}`}; the URL says ${type}/${id}.`;
      return [issueOf('invalid', `${say} An update needs both to agree.`, `${type}.id`)];
    }
    if (mode !== 'update') return [];
    if (own === undefined) return [issueOf('invalid', 'An update needs the id of what it replaces.', `${type}.id`)];
    const [was] = await asked(store.read(call, 'read', [{ type, id: own }]));
    if (was?.text !== undefined) return [];
    return [information(`There is no ${type}/${own}: an update would create it under this id.`)];
  }

  async function deletion(call: Call, { type, id, brought }: Question): Promise<Issue[]> {
    const own = id ?? (brought && idBrought(brought));
    if (own === undefined) return [issueOf('invalid', 'A deletion is of a resource with an id.', `${type}.id`)];
    const key = { type, id: own };
    const [was] = await asked(store.read(call, 'read', [key]));
    if (was?.text === undefined) {
      return [information(`There is no ${nameOf(key)}: a deletion would change nothing.`)];
    }
    if (integrity !== 'enforce') return [];
    const found = (await asked(referrers([key], SHOWN))).filter((one) => nameOf(one) !== nameOf(key));
    const seen = await asked(
      store.read(
        call,
        'refer',
        found.map(({ type, id }) => ({ type, id })),
      ),
    );
    return found.map((one, at) => {
      const who = seen[at] === undefined ? 'Something that you may not see' : nameOf(one);
      return issueOf('conflict', `${who} refers to ${nameOf(key)}: it has to go, or to change, before.`);
    });
  }
}

interface Content {
  found: Issue[];
  places: ReadonlyMap<string, string>;
}

/** Referrers that are told of. */
const SHOWN = 20;

const information = (diagnostics: string): Issue => ({ severity: 'information', code: 'informational', diagnostics });
