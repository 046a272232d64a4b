/** FHIRPath as R4's invariants mean it: of several values the first is asked, where a single one is expected. */
import { ofList, type Compiled, type Dialect } from '../../../fhir/path/compiler/compiled.js';
import { collect, isA, type Item } from '../../../fhir/path/compiler/node.js';
import { functions } from './functions.js';
import { operators } from './operators.js';

/** TABLE: variable -> what it stands for (R4 fhirpath.html#variables). */
const variables: Readonly<Record<string, Compiled['list']>> = {
  $this: (item) => [item],
  '%resource': (_, { resource }) => [resource],
  '%rootResource': (_, { root }) => [root],
  '%context': (_, { context }) => [context],
  /** In what R4 asks of where an extension stands. */
  '%extension': (_, { variables }) => variables.extension as Item[],
  '%ucum': () => ['http://unitsofmeasure.org'],
};

export const invariantDialect: Dialect = {
  functions,
  operators,
  variable: (name) => variables[name],
  isSteady: () => true,
  children: (item, name, { shapes }, found) => {
    collect(item, name, shapes, found);
  },
  isA,
  of: ofList,
};
