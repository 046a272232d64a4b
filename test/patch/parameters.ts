/** FHIRPath Patch by rows: those of `test/cases/patch/`, and the Parameters resource that operations make. */
import { readFileSync } from 'node:fs';

/** `value` is the rest of the part that is named so. */
export interface Row {
  type: string;
  path: string;
  name?: string;
  value?: object;
  index?: number;
  source?: number;
  destination?: number;
}

export const parametersOf = (rows: readonly Row[]): object => ({
  resourceType: 'Parameters',
  parameter: rows.map(({ type, path, name, value, ...indexes }) => ({
    name: 'operation',
    part: [
      { name: 'type', valueCode: type },
      { name: 'path', valueString: path },
      ...(name === undefined ? [] : [{ name: 'name', valueString: name }]),
      ...(value === undefined ? [] : [{ name: 'value', ...value }]),
      ...Object.entries(indexes).map(([part, number]) => ({ name: part, [numberType(number)]: number })),
    ],
  })),
});

const numberType = (number: number): string => (Number.isInteger(number) ? 'valueInteger' : 'valueDecimal');

/** What a patch makes of the resource, or how it is refused. */
export type Expected = { after: object | string } | { after?: undefined; status: number; says: string };

export type FhirPathCase = { title: string; before: object; operations: Row[] } & Expected;

export const rowsOf = <Case>(file: string): Case[] =>
  JSON.parse(readFileSync(new URL(`../cases/patch/${file}.json`, import.meta.url), 'utf8')) as Case[];

/** What most refusals are about. */
const four = {
  resourceType: 'Patient',
  id: 'a',
  identifier: ['1', '2', '3', '4'].map((value) => ({ system: 'http://example.org', value })),
};

export const fhirPathCases: FhirPathCase[] = [
  ...rowsOf<FhirPathCase & { section: string }>('fhirpath').map((row) => ({ ...row, title: row.section })),
  ...rowsOf<{ section: string; operation: Row; status: number; says: string }>('fhirpath-refused').map(
    ({ section, operation, ...expected }) => ({
      ...expected,
      title: `${section} ${operation.path.slice(0, 60)} is refused: ${expected.says}`,
      before: four,
      operations: [operation],
    }),
  ),
];
