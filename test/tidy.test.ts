/** The shape of the house: floors, cycles, dead files, adapters named only at the roof. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SRC = join(ROOT, 'src');

/** From the ground up; a file may import only from floors below its own, and from its own folder. */
const FLOORS: readonly (readonly string[])[] = [
  ['kit'],
  ['fhir'],
  ['search', 'patch', 'questionnaire', 'terminology'],
  ['access', 'validate', 'store', 'blob'],
  ['audit'],
  ['repository'],
  ['seed', 'transfer', 'sdc', 'consult', 'media', 'subscriptions', 'auth'],
  ['http', 'config.ts'],
  ['server.ts'],
  ['cli'],
];

/** A port names what another port on its floor stores: shapes only, never code. */
const SHAPES = [
  ['store', 'blob/port.ts'],
  ['access', 'store/port.ts'],
];

/** Each adapter lives in one folder and is named by the roof alone. */
const ADAPTERS = ['store/sqlite', 'store/mongo', 'blob/files.ts', 'blob/gridfs.ts'];

/** Each package has one home, so that it can be replaced there. */
const PACKAGES: Record<string, readonly string[]> = {
  '@lhncbc/ucum-lhc': ['fhir/quantity.ts'],
  ajv: ['validate'],
  'better-sqlite3': ['store/sqlite'],
  commander: ['cli'],
  express: ['http'],
  'express-session': ['http/auth/session.ts'],
  fhirpath: ['fhir/path/engine.ts'],
  'file-type': ['blob/inspect.ts'],
  jose: ['auth'],
  mongodb: ['store/mongo', 'blob/gridfs.ts'],
  oauth2orize: ['auth/oauth.ts'],
  'openid-client': ['auth/upstream.ts', 'auth/guest.ts'],
  passport: ['auth/strategies.ts'],
  pino: ['kit/log.ts'],
  'prom-client': ['kit/metrics.ts'],
  re2js: ['kit/pattern.ts'],
  saxes: ['validate/invariants/narrative.ts'],
};

const FORBIDDEN_FOLDERS = ['utils', 'helpers', 'common', 'misc', 'managers', 'services'];

interface Import {
  from: string;
  to: string;
  typeOnly: boolean;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const sources = new Map(files.map((file) => [file, readFileSync(join(SRC, file), 'utf8')]));
const imports: Import[] = files.flatMap((file) => importsOf(file));
const inside = imports.filter(({ to }) => to.startsWith('.')).map((one) => ({ ...one, to: resolved(one) }));
const packages = imports.filter(({ to }) => !to.startsWith('.') && !to.startsWith('node:'));

function importsOf(file: string): Import[] {
  const found = (sources.get(file) ?? '').matchAll(
    /(?:^|\n)\s*(?:import|export)\s+(type\s)?[^'";]*?from\s+'([^']+)'|(?:import|createRequire\(import\.meta\.url\))\('([^']+)'\)|(?:^|\n)import\s+'([^']+)'/g,
  );
  return [...found].map(([, type, from, lazy, bare]) => ({
    from: file,
    to: from ?? lazy ?? bare ?? '',
    typeOnly: type !== undefined,
  }));
}

function resolved({ from, to }: Import): string {
  return normalize(join(dirname(from), to)).replace(/\.js$/, '.ts');
}
const roomOf = (file: string): string => file.split('/')[0] ?? file;
const floorOf = (file: string): number => FLOORS.findIndex((rooms) => rooms.includes(roomOf(file)));
const isIn = (file: string, place: string): boolean => file === place || file.startsWith(`${place}/`);

test('every file stands on a floor', () => {
  expect(files.filter((file) => floorOf(file) === -1)).toEqual([]);
});

test('imports lead to floors below, or stay in the room', () => {
  const wrong = inside.filter(({ from, to, typeOnly }) => {
    if (roomOf(from) === roomOf(to) || floorOf(to) < floorOf(from)) return false;
    return !(typeOnly && SHAPES.some(([room, shape]) => roomOf(from) === room && to === shape));
  });
  expect(wrong.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
});

test('every import leads to a file that is there', () => {
  expect(inside.filter(({ to }) => !sources.has(to)).map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
});

test('no file can reach itself', () => {
  const next = new Map(
    files.map((file) => [file, inside.filter((one) => one.from === file && !one.typeOnly).map((one) => one.to)]),
  );
  const reach = (start: string): Set<string> => {
    const seen = new Set<string>();
    const open = [...(next.get(start) ?? [])];
    for (let file = open.pop(); file !== undefined; file = open.pop()) {
      if (seen.has(file)) continue;
      seen.add(file);
      open.push(...(next.get(file) ?? []));
    }
    return seen;
  };
  expect(files.filter((file) => reach(file).has(file))).toEqual([]);
});

/** What nothing in src imports: where a process begins, and the oracle that both stores are tested against. */
const ROOTS = ['cli/index.ts', 'repository/prepare/thread.ts', 'store/sqlite/checkpoint-thread.ts'];

test('no file is dead', () => {
  const used = new Set(inside.map(({ to }) => to));
  expect(files.filter((file) => !used.has(file))).toEqual(ROOTS);
});

test('adapters are named at the roof only', () => {
  const wrong = inside.filter(({ from, to }) =>
    ADAPTERS.some((adapter) => isIn(to, adapter) && !isIn(from, adapter) && from !== 'server.ts'),
  );
  expect(wrong.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
});

test('every package is declared, and imported by its one home', () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const homeless = packages.filter(({ from, to }) => !PACKAGES[nameOf(to)]?.some((home) => isIn(from, home)));
  expect(homeless.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
  expect(Object.keys(manifest.dependencies).sort()).toEqual([...new Set(packages.map(({ to }) => nameOf(to)))].sort());
});

const nameOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

test('versions are exact', () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
  expect(versions.filter(([, version]) => !/^(npm:[a-z]+@)?\d+\.\d+\.\d+$/.test(String(version)))).toEqual([]);
});

test('time comes from the clock and settings from the table', () => {
  const lines = files.flatMap((file) => (sources.get(file) ?? '').split('\n').map((line) => ({ file, line })));
  const clocks = lines.filter(({ file, line }) => /\bDate\.now\(\)|new Date\(\)/.test(line) && file !== 'kit/clock.ts');
  const settings = lines.filter(
    ({ file, line }) => line.includes('process.env') && file !== 'config.ts' && !/^\s*(\/?\*|\/\/)/.test(line),
  );
  expect([...clocks, ...settings]).toEqual([]);
});

test('a file is one idea: no more than 290 lines, and it opens with what it is', () => {
  const long = files.filter((file) => (sources.get(file) ?? '').split('\n').length > 290);
  const mute = files.filter((file) => !/^(#!.*\n)?\/\*\*/.test(sources.get(file) ?? ''));
  expect({ long, mute }).toEqual({ long: [], mute: [] });
});

test('folders have names that mean something', () => {
  const folders = new Set(files.map((file) => dirname(file)).flatMap((folder) => folder.split('/')));
  expect(FORBIDDEN_FOLDERS.filter((name) => folders.has(name))).toEqual([]);
});

test('nothing is silenced or left for later', () => {
  const everything = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && name !== 'tidy.test.ts')
    .map((name) => join(ROOT, 'test', name))
    .concat(files.map((file) => join(SRC, file)));
  const marks = /\b(TODO|FIXME|XXX)\b|\b(it|test|describe)\.(only|todo)\b|@ts-ignore|@ts-expect-error|eslint-disable/;
  expect(
    everything.filter((file) => marks.test(readFileSync(file, 'utf8'))).map((file) => relative(ROOT, file)),
  ).toEqual([]);
});

test('nothing names a path of the machine it was written on', () => {
  const texts = ['src', 'test', 'conformance', 'profiles', 'questionnaires', 'docs', 'bench', '.ci']
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8', withFileTypes: true })
        .filter((entry) => entry.isFile() && /\.(ts|js|md|json|sh)$|^run$/.test(entry.name))
        .map((entry) => join(entry.parentPath, entry.name)),
    )
    .filter((file) => !file.endsWith('tidy.test.ts'));
  expect(texts.filter((file) => /\/work\/|\/root\/|\/farm\//.test(readFileSync(file, 'utf8')))).toEqual([]);
});
