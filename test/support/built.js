/**
 * Tests of the commands run what is built, as operators do, so that no process translates TypeScript for itself. It is
 * built anew when a source is younger. JavaScript for the reason in `memory.js`.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

export function build() {
  const sources = readdirSync(join(root, 'src'), { recursive: true }).map((name) => join(root, 'src', name));
  const youngest = Math.max(...[...sources, join(root, 'tsconfig.json')].map(writtenAt));
  const isFresh = () => writtenAt(join(root, 'dist', 'cli', 'index.js')) > youngest;
  if (isFresh()) return;
  // Whose types are wrong is written and told all the same; `npm run types` is what fails for it.
  spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
  if (!isFresh()) throw new Error('The commands could not be built.');
}

const writtenAt = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
