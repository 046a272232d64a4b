/** The command purge, as an operator types it. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readConfig } from '../../src/config.js';
import { startServer } from '../../src/server.js';
import { ask, put } from '../support/server.js';

const CLI = fileURLToPath(new URL('../../dist/cli/index.js', import.meta.url));

function run(args: string[], environment: Record<string, string>): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { PATH: process.env.PATH, LOG_LEVEL: 'silent', ...environment },
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, said })));
}

test('erases a patient beside a server that runs, says what stays, and is no use on what is no patient', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'afferent-cli-purge-'));
  const environment = { DATA_DIR: folder, BASE_URL: 'http://clinic.example/fhir' };
  const server = await startServer(readConfig({ ...environment, PORT: '0', LOG_LEVEL: 'silent' }));
  const at = `${server.address}/fhir`;
  try {
    await put(at, { resourceType: 'Patient', id: 'a', name: [{ family: 'Qzgoneqz' }] } as any);
    const subject = { reference: 'http://clinic.example/fhir/Patient/a' };
    await put(at, { resourceType: 'Observation', id: 'o', status: 'final', code: { text: 'x' }, subject } as any);
    await put(at, { resourceType: 'Task', id: 't', status: 'draft', intent: 'order', for: subject } as any);
    const { code, said } = await run(['purge', 'Patient/a'], environment);
    expect(said).toMatch(/Task\/t refers to Patient\/a/);
    expect(said).toMatch(/Erased Patient\/a: 2 resources, 2 versions, 0 blobs, in .*AuditEvent\//);
    expect(code).toBe(0);
    expect((await ask(`${at}/Patient/a`)).status).toBe(404);
    expect((await ask(`${at}/Observation?code:text=x`)).body.total).toBe(0);
    const [again, wrong, elsewhere] = await Promise.all([
      run(['purge', 'Patient/a'], environment),
      run(['purge', 'Observation/o'], environment),
      run(['purge', 'Patient/a'], { ...environment, BASE_URL: 'http://other.example/fhir' }),
    ]);
    expect(elsewhere).toMatchObject({ code: 1, said: expect.stringMatching(/^afferent: BASE_URL.* are not those/) });
    expect(again).toMatchObject({ code: 1, said: expect.stringMatching(/^afferent: There is no Patient\/a/) });
    expect(wrong).toMatchObject({ code: 1, said: expect.stringMatching(/^afferent: .* is not Patient\/<id>/) });
  } finally {
    await server.stop();
  }
  expect((await readFile(join(folder, 'afferent.sqlite'), 'latin1')).toLowerCase()).not.toContain('qzgoneqz');
  await rm(folder, { recursive: true });
}, 60_000);
