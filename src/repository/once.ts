/**
 * A write that may come more than once, over a line that loses answers: the first one leaves a record in the very
 * transaction that makes it, and every other one is answered from that record. So there is no moment at which a process
 * could fall and leave it open whether the write was made.
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Call } from '../access/principal.js';
import { failure, type Issue } from '../fhir/outcome.js';
import type { Resource } from '../fhir/types.js';
import type { Clock } from '../kit/clock.js';
import { parseJson } from '../kit/json.js';
import { limits } from '../kit/limits.js';
import type { VaultRecord, Version } from '../store/port.js';
import { checkInTurns } from '../validate/questionnaire.js';
import type { Validator } from '../validate/validator.js';
import { asked } from './failures.js';
import { nameOf, type Work, type Written } from './operations.js';
import type { SeenStore } from './seen.js';
import type { Setting } from './setting.js';
import type { Write } from './writing.js';

/** What a client says about a write that it may send again. */
export interface Once {
  /** Chosen by the client, and its own: that of another client is another one. */
  key: string;
  /** Which entry of a batch. */
  part?: number;
  /** A fingerprint of all that the request says: under one key it must stay the same. */
  request: string;
}

export interface WriteOnce {
  /** Writes, or answers as the write was answered before. Throws 422 when the key stood for something else. */
  write: (call: Call, works: Work[], setting: Setting, once?: Once) => Promise<Written[]>;
  /** The first answer to an upload; undefined when it is the first, and then its bytes are still to be read. */
  upload: (call: Call, once: Once, bytes: Readable) => Promise<Written | undefined>;
  /** From now on the key stands for this request, and for no other. */
  claim: (call: Call, once: Once) => Promise<void>;
}

interface Parts {
  store: SeenStore;
  clock: Clock;
  validator: Validator;
}

/** The value of a record: no content of a resource, only what it made. */
interface Answered {
  request: string;
  /** Type, id, version, created, changed; null where there was nothing to delete. */
  results: ([string, string, number, boolean, boolean] | null)[];
}

export function createOnce({ store, clock, validator }: Parts, perform: Write): WriteOnce {
  async function write(call: Call, works: Work[], setting: Setting, once?: Once): Promise<Written[]> {
    if (once === undefined) return perform(call, works, setting);
    const earlier = await asked(store.vault.get(vaultKey(call, once)));
    if (earlier !== undefined) return replay(call, once, earlier);
    try {
      return await perform(call, works, setting, (results) => recordOf(call, once, results));
    } catch (error) {
      // Whoever was faster may have changed what this one then found, so that any refusal may be owed to it.
      const faster = await store.vault.get(vaultKey(call, once)).catch(() => undefined);
      if (faster === undefined) throw error;
      return replay(call, once, faster);
    }
  }

  async function upload(call: Call, once: Once, bytes: Readable): Promise<Written | undefined> {
    const earlier = await asked(store.vault.get(vaultKey(call, once)));
    if (earlier === undefined) return undefined;
    const [written] = await replay(call, ofBytes(once, await hashOf(bytes)), earlier);
    return written;
  }

  async function claim(call: Call, once: Once): Promise<void> {
    const { key, value, expires } = recordOf(call, once, []);
    if (await asked(store.vault.putIfAbsent(key, value, expires))) return;
    const earlier = await asked(store.vault.get(key));
    if (earlier !== undefined) read(once, earlier);
  }

  async function replay(call: Call, once: Once, value: string): Promise<Written[]> {
    const found: Written[] = [];
    const { results } = read(once, value);
    for (let at = 0; at < results.length; at += AT_ONCE)
      found.push(...(await Promise.all(results.slice(at, at + AT_ONCE).map((result) => again(call, result)))));
    return found;
  }

  async function again(call: Call, result: Answered['results'][number]): Promise<Written> {
    if (result === null) return { version: undefined, created: false, changed: false, issues: [], replayed: true };
    const [type, id, number, created, changed] = result;
    const version = await asked(store.version(call, { type, id }, number));
    if (version === undefined) {
      const say = `This was answered before, and made ${nameOf({ type, id })}, which was erased since.`;
      throw failure('deleted', `${say} It is not made again.`, HEADER);
    }
    return { version, created, changed, issues: changed ? await issuesOf(version) : [], replayed: true };
  }

  /** What the checks found that did not forbid the write: made anew, so that the record holds no content. */
  async function issuesOf({ text = '' }: Version): Promise<Issue[]> {
    if (text === '' || text.length > limits.asideBytes) return [];
    const resource = parseJson(text, limits.depth) as Resource;
    return checkInTurns(resource, () => validator.validate(resource));
  }

  function recordOf(call: Call, once: Once, written: Written[]): VaultRecord {
    const results = written.map(({ version, created, changed }): Answered['results'][number] =>
      version === undefined ? null : [version.type, version.id, version.version, created, changed],
    );
    const value: Answered = { request: once.request, results };
    return { key: vaultKey(call, once), value: JSON.stringify(value), expires: clock.now() + limits.idempotencyMs };
  }

  return { write, upload, claim };
}

/** The bytes of an upload are part of what it says. */
export const ofBytes = (once: Once, hash: string): Once => ({ ...once, request: sha256(once.request, hash) });

const HEADER = 'http.Idempotency-Key';

/** Versions that are read at once. */
const AT_ONCE = 16;

function read({ request }: Once, value: string): Answered {
  const answered = JSON.parse(value) as Answered;
  if (answered.request === request) return answered;
  const say = 'This Idempotency-Key stood for another request in the last 24 hours. Nothing was written.';
  throw failure('unprocessable', `${say} Give each request a key of its own, and repeat it unchanged.`, HEADER);
}

/** What clients choose is hashed, together with who they are: nobody meets the key of another. */
function vaultKey({ principal }: Call, { key, part }: Once): string {
  const { owner, name, grant } = principal;
  const who = [owner, name, grant?.client ?? '', grant?.user ?? ''];
  return `once:${sha256(...who, key, part === undefined ? '' : String(part))}`;
}

/** None of the texts has a control character, so that no two lists are one text. */
const sha256 = (...texts: string[]): string => createHash('sha256').update(texts.join('\0')).digest('hex');

async function hashOf(bytes: Readable): Promise<string> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of bytes) {
    const piece = chunk as Buffer;
    size += piece.length;
    if (size > limits.binaryBytes) break;
    hash.update(piece);
  }
  return hash.digest('hex');
}
