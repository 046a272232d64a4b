/**
 * A real browser for the tests: Debian's Chromium, and the browser bundle of `fhirclient`, the SMART client that most
 * apps use. The bundle alone is fetched once into `.fhirclient/` (its package tree has 300 MB). Where either cannot be
 * had the tests are skipped, and the reporter says so; with `CI=true` that is a failure.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, type Browser } from 'playwright-core';

const run = promisify(execFile);

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** The path of a Chromium; undefined when there is none on the PATH. */
export const chromiumPath: string | undefined = (process.env.PATH ?? '')
  .split(delimiter)
  .flatMap((folder) => NAMES.map((name) => join(folder, name)))
  .find((path) => existsSync(path));

/** Like `describe`; without a Chromium it is skipped, and `skipped-reporter.js` says so. */
export function describeBrowser(name: string, suite: () => void): void {
  if (chromiumPath === undefined) describe.skip(`Browser: ${name}`, suite);
  else describe(`Browser: ${name}`, suite);
}

/** As root it needs no sandbox; and it asks nobody but the pages that the test opens. */
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({
    ...(chromiumPath === undefined ? {} : { executablePath: chromiumPath }),
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--no-first-run'],
  });

const bundle = {
  name: 'fhirclient@2.6.3',
  path: 'package/build/fhir-client.min.js',
  sha256: 'eb76a8e9034fab4f07eb4e5ab7e0dfeabe09976fba5e2adfa5c834466d30fdce',
};

const folder = join(import.meta.dirname, '..', '..', '.fhirclient');

/** The text of `fhir-client.min.js`. */
export async function fhirClientBundle(): Promise<string> {
  const kept = join(folder, 'fhir-client.min.js');
  if (!existsSync(kept)) {
    await mkdir(folder, { recursive: true });
    // Into a folder of this process first: two test runs that start together must not see each other's half.
    const own = await mkdtemp(join(folder, 'pack-'));
    try {
      const { stdout } = await run('npm', ['pack', bundle.name, '--silent'], { cwd: own, timeout: 120_000 });
      await run('tar', ['xzf', stdout.trim(), bundle.path], { cwd: own });
      await rename(join(own, bundle.path), kept);
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  }
  const text = await readFile(kept, 'utf8');
  const sha256 = createHash('sha256').update(text).digest('hex');
  if (sha256 !== bundle.sha256) throw new Error(`${kept} has the SHA-256 ${sha256}, not the one expected; remove it.`);
  return text;
}
