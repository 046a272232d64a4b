/** The certificate and its key, from files that are replaced while the server runs. */
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import type { Server } from 'node:https';
import { createSecureContext } from 'node:tls';

export interface TlsFiles {
  /** PEM: the certificate, then those that lead to its root. */
  cert: string;
  /** PEM. */
  key: string;
}

/** Milliseconds between two looks at the files. */
const LOOK_MS = 2000;

/** Throws when the files cannot be read, or do not belong together. */
export function readTls({ cert, key }: TlsFiles): { cert: Buffer; key: Buffer; minVersion: 'TLSv1.2' } {
  const pair = { cert: readFileSync(cert), key: readFileSync(key), minVersion: 'TLSv1.2' as const };
  createSecureContext(pair);
  return pair;
}

/**
 * New connections get the new certificate. Whoever replaces two files is seen half way at times: then the old pair
 * stays, and the next change is looked at again. Until it is closed.
 */
export function keepTlsFresh(server: Server, files: TlsFiles, told: (error: unknown) => void) {
  const look = () => {
    try {
      server.setSecureContext(readTls(files));
    } catch (error) {
      told(error);
    }
  };
  for (const file of [files.cert, files.key]) watchFile(file, { interval: LOOK_MS, persistent: false }, look);
  return {
    close(): Promise<void> {
      for (const file of [files.cert, files.key]) unwatchFile(file, look);
      return Promise.resolve();
    },
  };
}
