/**
 * JSON pointers as FHIRPath in the simple form that OperationOutcome.issue.expression has: element names, indexes.
 * JSON's own names go back to FHIR's: `_birthDate` is `birthDate`, and `valueQuantity` is `value`.
 */
import type { Resource } from '../fhir/types.js';
import { isObject } from '../kit/json.js';
import type { Member, Members } from '../fhir/members.js';

type MembersOf = (type: string) => Members;

const identifier = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

export function fhirPath(membersOf: MembersOf, resource: Resource, pointer: string): string {
  const root: unknown = isObject(resource) ? resource.resourceType : undefined;
  let path = typeof root === 'string' && identifier.test(root) ? root : 'Resource';
  let type: string | undefined = path;
  let value: unknown = resource;
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    const parent = value;
    value = isObject(parent) || Array.isArray(parent) ? (parent as Record<string, unknown>)[name] : undefined;
    if (Array.isArray(parent)) {
      path += `[${name}]`;
      if (type === 'Resource') type = resourceTypeOf(value);
      continue;
    }
    // A name that FHIRPath cannot write: the object that has it stands for it.
    if (!identifier.test(name)) return path;
    const found: Member | undefined = type === undefined ? undefined : membersOf(type).names.get(name);
    path += `.${found?.element ?? name}`;
    type = found && type !== undefined ? typeBelow(membersOf, type, found) : undefined;
    if (type === 'Resource' && !Array.isArray(value)) type = resourceTypeOf(value);
  }
  return path;
}

function resourceTypeOf(value: unknown): string | undefined {
  return isObject(value) && typeof value.resourceType === 'string' ? value.resourceType : undefined;
}

/** The type, or path of an element defined in place, whose members stand below this one. */
function typeBelow(membersOf: MembersOf, type: string, member: Member): string {
  if (member.beside !== undefined) return 'Element';
  const element = membersOf(type).elements[member.element];
  if (element?.contentReference !== undefined) return element.contentReference;
  return element?.elements ? `${type}.${member.element}` : member.type;
}
