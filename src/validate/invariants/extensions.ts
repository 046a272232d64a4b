/**
 * Extensions: which of them change the meaning of what they stand on, and where R4's own may stand (R4
 * extensibility.html, defining-extensions.html#context).
 */
import type { Definitions } from '../../fhir/definitions.js';
import type { Severity } from '../../fhir/outcome.js';
import { isObject } from '../../kit/json.js';
import { compile } from '../../fhir/path/compiler/compile.js';
import type { Compiled, Env } from '../../fhir/path/compiler/compiled.js';
import { Node } from '../../fhir/path/compiler/node.js';
import { parseExpression } from '../../fhir/path/syntax.js';
import { invariantDialect } from './fhirpath/dialect.js';

export interface Problem {
  severity: Severity;
  say: string;
}

/** What an extension stands on. */
export interface Holder {
  node: Node;
  env: Env;
  /** Of the element without indexes, from its resource on, as `Patient.contact.name`; and from its type on. */
  paths: readonly string[];
  /** Of the resource that it stands in. */
  type: string;
}

/**
 * TABLE: types of the consult -> what a modifier that nobody knows could turn around there. R4 forbids to process what
 * has such a one (extensibility.html#modifierExtension), and here people decide by these.
 */
const strict: Readonly<Record<string, string>> = {
  Communication: 'what was said, and to whom',
  Composition: 'what the report attests',
  Consent: 'what the patient allowed',
  DiagnosticReport: 'what the specialist concluded',
  DocumentReference: 'what a document is, and whether it holds',
  Encounter: 'that the patient was seen',
  Media: 'whose image this is, and of what',
  Observation: 'what was found: it may mean its opposite',
  Patient: 'who this is',
  Provenance: 'who did it',
  Questionnaire: 'what is asked',
  QuestionnaireResponse: 'what the patient answered',
  ServiceRequest: 'what was asked for: it may mean "do not"',
  Task: 'who is to do what',
};

export function modifierProblem({ extensions }: Definitions, value: unknown, holder: Holder): Problem | undefined {
  const url = urlOf(value);
  const known = extensions.get(url);
  if (known?.modifier === true) return contextProblem(url, known.on, holder);
  const at = strict[holder.type];
  const what = `The modifierExtension ${url.slice(0, 120)} is not known here`;
  if (at === undefined) {
    return { severity: 'warning', say: `${what}: this resource may mean something else than it says.` };
  }
  const say = `${what}, and it may change ${at} (${holder.type}). Leave it out, or send what it says as elements.`;
  return { severity: 'error', say };
}

export function extensionProblem({ extensions }: Definitions, value: unknown, holder: Holder): Problem | undefined {
  const url = urlOf(value);
  const known = extensions.get(url);
  if (known === undefined) return undefined;
  if (known.modifier === true) {
    const say = `${url} changes the meaning of what it stands on, so it belongs into "modifierExtension".`;
    return { severity: 'error', say };
  }
  return (
    contextProblem(url, known.on, holder) ??
    whenProblem(url, known.when ?? [], value, holder) ??
    valueProblem(url, known.types ?? [], value)
  );
}

/** A warning: later packs of HL7's extensions for R4 let many stand on more elements, and have more types of values. */
function contextProblem(url: string, on: readonly string[], { node: { shape }, paths }: Holder): Problem | undefined {
  if (on.some((one) => one === 'Element' || shape.lineage.has(one) || shape.name === one || paths.includes(one))) {
    return undefined;
  }
  const where = on.slice(0, 5).join(', ');
  return { severity: 'warning', say: `R4 defines ${url} for ${where}, not for ${paths[0] ?? ''}.` };
}

/** TABLE: an expression as R4 has it -> what is meant, and why. */
const meant: Readonly<Record<string, { expression: string; reason: string }>> = {
  "http://hl7.org/fhir/StructureDefinition/questionnaire-displayCategory type!='display'": {
    expression: "type='display'",
    reason: 'It says what kind of text is shown; R5 asks so.',
  },
};

const compiled = new Map<string, Compiled>();

/** `valueInteger` is the name in JSON; FHIRPath calls it `value`. */
function compiledOf(url: string, expression: string): Compiled {
  const text = (meant[`${url} ${expression}`]?.expression ?? expression).replaceAll('.valueInteger', '.value');
  const known = compiled.get(text) ?? compile(parseExpression(text), invariantDialect);
  compiled.set(text, known);
  return known;
}

/** `contextInvariant` (R4 defining-extensions.html#context): R4 has it for 13 of its extensions. */
function whenProblem(url: string, when: readonly string[], value: unknown, { node, env }: Holder): Problem | undefined {
  const shape = env.shapes('Extension');
  const extension = shape === undefined ? [] : [new Node(value, undefined, shape)];
  const at = { ...env, variables: { extension } };
  const broken = when.find((expression) => compiledOf(url, expression).truth(node, at) !== true);
  if (broken === undefined) return undefined;
  const wanted = meant[`${url} ${broken}`]?.expression ?? broken;
  return { severity: 'warning', say: `R4 allows ${url} where ${wanted}, which does not hold here.` };
}

function valueProblem(url: string, types: readonly string[], value: unknown): Problem | undefined {
  const name = Object.keys(isObject(value) ? value : {}).find((key) => key.startsWith('value'));
  if (name === undefined || types.some((type) => `value${type}`.toLowerCase() === name.toLowerCase())) return undefined;
  const allowed = types.length === 0 ? 'extensions of its own and no value' : `a value of type ${types.join(' or ')}`;
  return { severity: 'warning', say: `R4 gives ${url} ${allowed}; found ${name}.` };
}

const urlOf = (value: unknown): string => (isObject(value) && typeof value.url === 'string' ? value.url : '');
