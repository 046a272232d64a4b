/** What the definitions alone decide, and what is compiled of it as it is asked for: all servers of a process share it. */
import { loadDefinitions, type Definitions } from '../fhir/definitions.js';
import { createRegistry, type SearchRegistry } from '../search/registry.js';
import { createValidator, type Validator } from '../validate/validator.js';

export interface Rules {
  definitions: Definitions;
  registry: SearchRegistry;
  validator: Validator;
}

let made: Rules | undefined;

export function sharedRules(): Rules {
  if (made === undefined) {
    const definitions = loadDefinitions();
    made = { definitions, registry: createRegistry(definitions), validator: createValidator(definitions) };
  }
  return made;
}
