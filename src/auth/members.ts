/** Launch context as a token response and an introspection tell it. (scopes-and-launch-context.html#launch-context-arrives-with-your-access_token) */
import type { GrantRecord } from './grants.js';

export function contextMembers(
  { context, organization, user }: GrantRecord,
  styleUrl: string,
): Record<string, unknown> {
  if (user === undefined) return {};
  const { encounter, fhirContext, intent, needPatientBanner, patient, tenant } = context;
  const members: Record<string, unknown> = {
    patient,
    encounter,
    fhirContext,
    intent,
    // An app that stands alone has nothing around it that would show whom it is about.
    need_patient_banner: needPatientBanner ?? true,
    smart_style_url: styleUrl,
    tenant: tenant ?? organization,
  };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
