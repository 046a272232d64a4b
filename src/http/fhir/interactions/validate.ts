/** `$validate`: what a write would be told, without the write (R4 resource-operation-validate.html). */
import { failure, isRefusal, issueOf, operationOutcome, type Issue } from '../../../fhir/outcome.js';
import type { Element, Resource } from '../../../fhir/types.js';
import { stringify } from '../../../kit/json.js';
import { limits } from '../../../kit/limits.js';
import { validationModes, type Question, type ValidationMode } from '../../../repository/checking.js';
import { readResource } from '../../../repository/prepare/body.js';
import type { Brought, Repository } from '../../../repository/repository.js';
import { parseQuery, printParameter } from '../../../search/url.js';
import { profileIssue } from '../../../validate/unchecked.js';
import { readBody } from '../../body.js';
import type { FhirCall } from '../call.js';
import { demandJson } from '../negotiate.js';
import { formatParameter } from '../parameters.js';
import type { Parts } from '../parts.js';
import type { Reply } from '../reply.js';

export async function validate(call: FhirCall, { repository }: Parts): Promise<Reply> {
  const asked = await questionOf(call, repository);
  const { mode, profiles } = asked;
  const question = { ...asked, ...(call.resourceId === '' ? {} : { id: call.resourceId }), type: call.type };
  if (question.brought === undefined && mode !== 'delete') question.brought = await stored(call, repository);
  const issues = await repository.validate(call, question);
  issues.push(...profiles.slice(0, NAMED).map(profileIssue), ...without(mode, profiles));
  const told = [...issues.filter(isRefusal), ...issues.filter((one) => !isRefusal(one))].slice(0, limits.issues);
  return { status: 200, text: JSON.stringify(operationOutcome([...told, summary(call.type, issues)])) };
}

type Given = Pick<Question, 'mode' | 'brought' | 'profiles'>;

/** From the body, or from the query beside a body that is the resource itself. */
async function questionOf(call: FhirCall, repository: Repository): Promise<Given> {
  const given = queryOf(call.query);
  if (call.method !== 'POST') return given;
  const bytes = await readBody(call, call.type === 'Binary' ? 'binaryJsonBodyBytes' : 'resourceBytes');
  if (bytes.length === 0) {
    if (call.resourceId !== '') return given;
    throw failure('malformed', `The body is empty; a ${call.type} or Parameters was expected.`);
  }
  demandJson(call.request.headers['content-type']);
  if (!isParameters(bytes)) return { ...given, brought: await repository.bring(call.type, bytes) };
  return parametersOf(call, repository, readResource(bytes, 'Parameters'), given);
}

/** Looked for at the beginning, where everybody writes it, so that a large resource need not be read for it. */
const isParameters = (bytes: Uint8Array): boolean =>
  /^\s*\{\s*"resourceType"\s*:\s*"Parameters"/.test(Buffer.from(bytes.subarray(0, 200)).toString('latin1')) ||
  (bytes.length <= limits.asideBytes &&
    /"resourceType"\s*:\s*"Parameters"/.test(Buffer.from(bytes).toString('latin1')));

function queryOf(query: string): Given {
  const given: Given = { profiles: [] };
  const rest = (query === '' ? [] : parseQuery(query)).filter((parameter) => {
    const { key, raw } = parameter;
    if (key === 'mode') given.mode = modeOf(raw, 'http.mode');
    else if (key === 'profile') given.profiles.push(raw);
    else return true;
    return false;
  });
  formatParameter(rest.map(printParameter).join('&'));
  return given;
}

/** TABLE: parameters of the operation -> how they are read. */
const parameters: Record<string, (given: Given, value: Element, at: string) => Resource | undefined> = {
  resource: (_, { resource }, at) => {
    if (typeof resource === 'object' && resource !== null) return resource as Resource;
    throw failure('invalid', 'The parameter "resource" holds the resource in its element "resource".', at);
  },
  mode: (given, { valueCode }, at) => {
    given.mode = modeOf(valueCode, `${at}.value`);
    return undefined;
  },
  profile: (given, { valueUri, valueCanonical }, at) => {
    const url = valueUri ?? valueCanonical;
    if (typeof url !== 'string') throw failure('invalid', 'The parameter "profile" has a valueUri.', at);
    given.profiles.push(url);
    return undefined;
  },
};

async function parametersOf(call: FhirCall, repository: Repository, body: Resource, given: Given): Promise<Given> {
  const list = Array.isArray(body.parameter) ? (body.parameter as Element[]) : [];
  let resource: Resource | undefined;
  const seen = new Set<string>();
  for (const [index, parameter] of list.slice(0, limits.parameters).entries()) {
    const name = String(parameter.name);
    const at = `Parameters.parameter[${index}]`;
    const read = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    if (read === undefined) {
      const say = `The parameter "${name.slice(0, 60)}" means nothing here; possible are resource, mode and profile.`;
      throw failure('not-supported', say, at);
    }
    if (seen.has(name) && name !== 'profile') throw failure('invalid', `"${name}" may be given once.`, at);
    seen.add(name);
    resource = read(given, parameter, at) ?? resource;
  }
  if (resource === undefined) {
    if (call.resourceId !== '' || given.mode === 'delete') return given;
    throw failure('invalid', `Parameters need a parameter "resource" with a ${call.type}.`, 'Parameters.parameter');
  }
  // Written once more, so that it is read and checked as any other body is, a large one on its own thread.
  return { ...given, brought: await repository.bring(call.type, Buffer.from(stringify(resource))) };
}

function modeOf(value: unknown, at: string): ValidationMode {
  const mode = validationModes.find((known) => known === value);
  if (mode !== undefined) return mode;
  throw failure('value', `The mode is one of ${validationModes.join(', ')}; found ${String(value).slice(0, 40)}.`, at);
}

/** GET, and a POST without a resource, ask about the one that is stored. */
async function stored(call: FhirCall, repository: Repository): Promise<Brought> {
  const { text = '' } = await repository.read(call, { type: call.type, id: call.resourceId });
  return repository.bring(call.type, Buffer.from(text));
}

/** Profiles that are named of those asked for. */
const NAMED = 20;

/** A check against a profile needs one. (R4 value set resource-validation-mode) */
function without(mode: ValidationMode | undefined, profiles: string[]): Issue[] {
  if (mode !== 'profile' || profiles.length > 0) return [];
  return [issueOf('invalid', 'The mode "profile" needs the parameter "profile", with the canonical URL of one.')];
}

/** TABLE: type -> what is checked beside what every resource is. */
const MORE: Readonly<Record<string, string>> = {
  Questionnaire: ', and the questionnaire by itself',
  QuestionnaireResponse: ', and the answers against their Questionnaire as far as nothing else is said here',
};

/** What was looked at, so that nobody takes this for more than it is. */
function summary(type: string, issues: Issue[]): Issue {
  const errors = issues.filter(isRefusal).length;
  const verdict = errors === 0 ? 'No errors were found.' : `${errors} errors were found.`;
  const checked =
    'Checked were: structure, cardinalities, formats, codes of required bindings, invariants, narrative, contained ' +
    `resources, what R4 says of its own extensions, and references to this server${MORE[type] ?? ''}.`;
  const not = 'Not checked were: codes of other bindings, and what resources on other servers hold.';
  return { severity: 'information', code: 'informational', diagnostics: `${verdict} ${checked} ${not}` };
}
