/** Which test shows what SMART App Launch 2.2 asks for: read from two tables and the names of the tests. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

/** A line of the checklist; its id is part of the names of the tests that show it. */
export interface Line {
  id: string;
  says: string;
  /** Why there is nothing to show. */
  notApplicable?: string;
}

/** A SHALL or SHALL NOT of the guide, by its number there. */
export interface Requirement {
  id: number;
  level: 'SHALL' | 'SHALL NOT';
  section: string;
  /** Short ids of the tests of Inferno's SMART suite that ask the same. */
  inferno?: string[];
  /** Lines of the checklist that cover it. */
  by?: string[];
  notApplicable?: string;
}

const table = (name: string): unknown =>
  JSON.parse(readFileSync(join(ROOT, 'test', 'cases', 'smart', `${name}.json`), 'utf8'));

export const lines = table('lines') as Line[];
export const requirements = table('requirements') as Requirement[];

const ID = /\b(?:S-[A-Z]+-\d+|SMART-\d+|[BV]-\d\d|O\d+)(?![\w-])/g;
const STRING = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g;

/** Line -> the files whose tests carry its id in their names. */
export function shownBy(): Map<string, string[]> {
  const shown = new Map<string, string[]>();
  const files = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => name.endsWith('.ts') && !name.startsWith('smart/')).sort()) {
    const source = readFileSync(join(ROOT, 'test', file), 'utf8').replace(/^\s*(?:\/\/|\/?\*).*$/gm, '');
    const names = (source.match(STRING) ?? []).join('\n');
    for (const id of new Set(names.match(ID))) shown.set(id, [...(shown.get(id) ?? []), `test/${file}`]);
  }
  return shown;
}

const cells = (...texts: string[]): string => `| ${texts.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;

/** What `docs/smart.md` says below its mark. */
export function traceability(): string {
  const shown = shownBy();
  const tested = (id: string) => (shown.get(id) ?? []).map((file) => `\`${file}\``).join(', ');
  const applicable = lines.filter(({ notApplicable }) => notApplicable === undefined);
  const others = lines.filter(({ notApplicable }) => notApplicable !== undefined);
  return [
    '## The checklist, and the tests that show it',
    '',
    cells('line', 'what is so', 'tests'),
    cells('---', '---', '---'),
    ...applicable.map(({ id, says }) => cells(id, says, tested(id))),
    '',
    'Not applicable:',
    '',
    cells('line', 'what it is about', 'why not'),
    cells('---', '---', '---'),
    ...others.map(({ id, says, notApplicable }) => cells(id, says, notApplicable ?? '')),
    '',
    '## Every SHALL and SHALL NOT of SMART App Launch 2.2',
    '',
    `${requirements.length} of them. Numbers are those of the guide's own list of requirements; Inferno's are the short ids of the tests`,
    'of its SMART App Launch 2.2 suite that ask for the same.',
    '',
    cells('no.', 'level', 'section', 'Inferno', 'shown by'),
    cells('---', '---', '---', '---', '---'),
    ...requirements.map(({ id, level, section, inferno, by, notApplicable }) =>
      cells(
        String(id),
        level,
        section,
        inferno?.join(', ') ?? '',
        by?.join(', ') ?? `Not applicable: ${notApplicable ?? ''}`,
      ),
    ),
    '',
  ].join('\n');
}

export const MARK =
  '<!-- Below this line: made by `npm run docs` from test/cases/smart and the names of the tests. -->';
export const DOCUMENT = join(ROOT, 'docs', 'smart.md');
