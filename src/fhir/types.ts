/** The R4 shapes that this code touches; everything else in a resource is passed on untouched. */

/** The name of a concrete R4 resource type, such as `Patient`. Checked against the definitions at the edge. */
export type ResourceType = string;

/** A JSON object inside a resource. */
export type Element = Record<string, unknown>;

export interface Meta extends Element {
  versionId?: string;
  lastUpdated?: string;
  profile?: string[];
}

export interface Resource extends Element {
  resourceType: ResourceType;
  id?: string;
  meta?: Meta;
}

export interface Reference {
  reference?: string;
  type?: string;
  identifier?: Identifier;
  display?: string;
}

export interface Identifier {
  system?: string;
  value?: string;
  type?: CodeableConcept;
}

export interface Coding {
  system?: string;
  version?: string;
  code?: string;
  display?: string;
}

export interface CodeableConcept {
  coding?: Coding[];
  text?: string;
}
