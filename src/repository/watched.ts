/**
 * Bytes on their way to somebody to whom another organization has opened them: they end when that ends, so that a long
 * download is no longer than the case is open.
 */
import type { Readable } from 'node:stream';
import { failure } from '../fhir/outcome.js';
import { limits } from '../kit/limits.js';

/** @param isOpen asked again and again while bytes flow; where it cannot be known, they end too */
export function whileOpen(bytes: Readable, isOpen: () => Promise<boolean>): Readable {
  let asking = false;
  const timer = setInterval(() => {
    if (asking) return;
    asking = true;
    isOpen()
      .catch(() => false)
      .then((open) => {
        asking = false;
        if (!open) bytes.destroy(failure('not-found', 'What was being sent is open to this caller no more.'));
      })
      .catch(() => undefined);
  }, limits.openAgainMs);
  timer.unref();
  bytes.once('close', () => {
    clearInterval(timer);
  });
  return bytes;
}
