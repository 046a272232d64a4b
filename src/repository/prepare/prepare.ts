/**
 * All that can be made of a large body without knowing what is stored: it is read, checked, written as JSON again and
 * searched for its values. What comes of it is plain data, because this is done on a thread of its own (`aside.ts`).
 */
import { literalReferences } from '../../fhir/links/index.js';
import type { Definitions } from '../../fhir/definitions.js';
import { FhirError, type Issue } from '../../fhir/outcome.js';
import type { Resource, ResourceType } from '../../fhir/types.js';
import { parseJson } from '../../kit/json.js';
import { limits } from '../../kit/limits.js';
import { applyFhirPathPatch } from '../../patch/fhirpath.js';
import { applyJsonPatch } from '../../patch/json.js';
import type { Entry } from '../../search/plan.js';
import type { AnswersJob } from '../../validate/answering.js';
import type { Validator } from '../../validate/validator.js';
import { decodedData } from '../data.js';
import { restOf, type Rest } from '../version.js';
import { readResource } from './body.js';
import { refuseFaults } from './faults.js';

export type Task =
  | { kind: 'body'; type: ResourceType; bytes: Uint8Array }
  /** A patch of what is stored; `patch` is its document as JSON, so that numbers keep their digits on the way. */
  | { kind: 'json' | 'fhirpath'; text: string; patch: string }
  /** A large response, prepared before, against its questionnaire. */
  | { kind: 'answers'; job: AnswersJob };

type ResourceTask = Exclude<Task, { kind: 'answers' }>;

/** What a large resource comes to, in place of the resource itself. */
export interface Prepared {
  /** As the client wrote it, whatever that is. */
  id?: string;
  /** Why it cannot be stored; told when its turn has come, after what conditions say, as of any other body. */
  refusal?: FhirError;
  made?: Made;
  /** What is wrong with answers. */
  issues?: Issue[];
}

export interface Made {
  issues: Issue[];
  rest: Rest;
  entries: Entry[];
  /** What it refers to on this server, and the path of the element that does so first. */
  places: Map<string, string>;
  /** Of a QuestionnaireResponse: all but its items, which says what it has to be checked by. */
  head?: Resource;
  /** Of a Binary: its bytes, which do not belong to the document. */
  binary?: { contentType: unknown; bytes: Uint8Array };
}

export interface PrepareParts {
  definitions: Definitions;
  validator: Validator;
  extract: (resource: Resource) => Entry[];
  answers: (job: AnswersJob) => Issue[];
  base: string;
}

/** Throws a JsonError or FhirError for a body that cannot be read as a resource of its type. */
export type Prepare = (task: Task) => Promise<Prepared>;

export function createPrepare({ definitions, validator, extract, answers, base }: PrepareParts): Prepare {
  return async (task) => {
    if (task.kind === 'answers') return { issues: answers(task.job) };
    const resource = await resourceOf(task);
    const id = resource.id === undefined ? {} : { id: resource.id };
    try {
      return { ...id, made: madeOf(resource, task) };
    } catch (error) {
      if (error instanceof FhirError) return { ...id, refusal: error };
      throw error;
    }
  };

  async function resourceOf(task: ResourceTask): Promise<Resource> {
    if (task.kind === 'body') return readResource(task.bytes, task.type);
    const resource = parseJson(task.text, limits.depth) as Resource;
    const patch = parseJson(task.patch, limits.depth);
    return task.kind === 'json' ? applyJsonPatch(resource, patch) : applyFhirPathPatch(definitions, resource, patch);
  }

  function madeOf(resource: Resource, { kind }: ResourceTask): Made {
    const issues = refuseFaults(validator, resource);
    // The bytes of a Binary that is patched stay what they are.
    const isUpload = resource.resourceType === 'Binary' && kind === 'body';
    const { document, bytes } = isUpload ? decodedData(resource) : { document: resource };
    const rest = restOf(document);
    const entries = extract(document);
    const places = new Map<string, string>();
    for (const { type, id, path } of literalReferences(document, definitions, base)) {
      if (!places.has(`${type}/${id}`)) places.set(`${type}/${id}`, path);
    }
    const binary = bytes === undefined ? {} : { binary: { contentType: document.contentType, bytes } };
    return { issues, rest, entries, places, ...headOf(document), ...binary };
  }
}

function headOf({ item: _item, ...head }: Resource): { head?: Resource } {
  return head.resourceType === 'QuestionnaireResponse' ? { head } : {};
}
