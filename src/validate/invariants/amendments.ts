/** TABLE: rules of R4 that do not say what they mean, and what is asked in their place, each with its reason. */

export interface Amendment {
  reason: string;
  expression: string;
  severity?: 'error' | 'warning';
  human?: string;
}

const nameRule = "name.matches('[A-Z]([A-Za-z0-9_]){0,254}')";

const patientOf = (code: string): [string, Amendment[]] => [
  `patient.exists() or scope.coding.where(system='something' and code='${code}').exists().not()`,
  [
    {
      reason:
        "It names the system 'something', which nobody uses, so that it could never fail. R4's own system is meant.",
      severity: 'warning',
      expression: `patient.exists() or scope.coding.where(system='http://terminology.hl7.org/CodeSystem/consentscope' and code='${code}').empty()`,
    },
  ],
];

const partialDates =
  'Partial dates (2024 and 2024-05) compare to nothing, so R4 would refuse what may well be in order.';

/** The expression as R4 has it -> what is asked here; several where R4 asks too little for its own words. */
export const amendments: ReadonlyMap<string, readonly Amendment[]> = new Map([
  [
    nameRule,
    [
      {
        reason: 'The name is optional, and the whole of it is meant: R4 warns of none, and is content with a part.',
        expression: `name.empty() or ${nameRule.replace('matches', 'matchesFull')}`,
      },
    ],
  ],
  [
    'enableWhen.count() > 2 implies enableBehavior.exists()',
    [
      {
        reason: 'The words say more than one, the expression more than two: two are told, more are refused.',
        expression: 'enableWhen.count() > 2 implies enableBehavior.exists()',
      },
      {
        reason: 'See above.',
        severity: 'warning',
        expression: 'enableWhen.count() = 2 implies enableBehavior.exists()',
      },
    ],
  ],
  [
    'descendants().linkId.isDistinct()',
    [
      {
        reason:
          'The descendants of a Questionnaire include Questionnaires that it contains, which have link ids of their own.',
        expression: 'repeat(item).linkId.isDistinct()',
      },
    ],
  ],
  [
    'concept.code.combine($this.descendants().concept.code).isDistinct()',
    [
      {
        reason: 'The descendants of a CodeSystem include CodeSystems that it contains, which have codes of their own.',
        expression: 'repeat(concept).code.isDistinct()',
      },
    ],
  ],
  [
    "clinicalStatus.exists() or verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-ver-status' and code = 'entered-in-error').exists() or category.select($this='problem-list-item').empty()",
    [
      {
        reason: 'It compares a CodeableConcept with a code, so that every Condition with a category was told of.',
        expression:
          "clinicalStatus.exists() or verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-ver-status' and code = 'entered-in-error').exists() or category.coding.where(code='problem-list-item').empty()",
      },
    ],
  ],
  patientOf('patient-privacy'),
  patientOf('research'),
  patientOf('adr'),
  patientOf('treatment'),
  [
    'start.hasValue().not() or end.hasValue().not() or (start <= end)',
    [
      {
        reason: partialDates,
        expression: 'start.hasValue().not() or end.hasValue().not() or start.mayPrecede(end)',
      },
    ],
  ],
  [
    'lastModified.exists().not() or authoredOn.exists().not() or lastModified >= authoredOn',
    [
      {
        reason: partialDates,
        expression:
          'lastModified.hasValue().not() or authoredOn.hasValue().not() or authoredOn.mayPrecede(lastModified)',
      },
    ],
  ],
  [
    'whenHandedOver.empty() or whenPrepared.empty() or whenHandedOver >= whenPrepared',
    [
      {
        reason: partialDates,
        expression:
          'whenHandedOver.hasValue().not() or whenPrepared.hasValue().not() or whenPrepared.mayPrecede(whenHandedOver)',
      },
    ],
  ],
  [
    'low.empty() or high.empty() or (low <= high)',
    [
      {
        reason: 'Quantities without values, or of units that cannot be compared, are not out of order.',
        expression: 'low.empty() or high.empty() or low.comparable(high).not() or (low <= high)',
      },
    ],
  ],
  [
    'onBehalfOf.exists() implies (member.resolve().iif(empty(), true, ofType(Practitioner).exists()))',
    [
      {
        reason: 'What the reference leads to may be anywhere; its text says of which type that is.',
        expression:
          "onBehalfOf.exists() implies (member.reference.matches('(^|/)[A-Z][A-Za-z]+/[A-Za-z0-9.-]+(/_history/[A-Za-z0-9.-]+)?$') implies member.reference.matches('(^|/)Practitioner/[^/]+(/_history/[^/]+)?$'))",
      },
    ],
  ],
]);

/** The rules on ElementDefinition.path mean the whole path; as R4 writes them, a part of it that is in order will do. */
export function amended(expression: string): readonly Amendment[] | undefined {
  if (!expression.startsWith('path.matches(')) return amendments.get(expression);
  const whole = expression.replace('path.matches', 'path.matchesFull');
  return [{ reason: 'The whole path is meant; R4 is content with any part of it.', expression: whole }];
}

/** TABLE: rule -> where it is checked, when not as FHIRPath. */
export const elsewhere: Readonly<Record<string, string>> = {
  'ele-1': 'validate/object.ts: it holds for every element, so the structure pass has it in its stride',
  'ext-1': 'validate/object.ts: likewise',
  'dom-3': 'contained.ts: as FHIRPath it takes the square of the resource, and does not look into narratives',
  'dom-6': 'practices.ts: R4 marks it as a best practice, so $validate tells of it, and no write does',
  'ref-1': 'contained.ts: it needs one look into a set, and R4 forbids "#" alone, which its own pages allow',
  'txt-1': 'narrative: R4 has no expression for it but htmlChecks(), which every server must bring itself',
  'txt-2': 'narrative: likewise',
};
