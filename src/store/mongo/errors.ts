/** The driver's failures in the words of the port. */
import {
  MongoBulkWriteError,
  MongoClientClosedError,
  MongoError,
  MongoErrorLabel,
  MongoNetworkError,
  MongoNotConnectedError,
  MongoOperationTimeoutError,
  MongoServerError,
  MongoServerSelectionError,
  MongoTopologyClosedError,
  MongoWriteConcernError,
} from 'mongodb';
import { StoreError } from '../port.js';

/** Passes on what a read or a statement resolves to; rejects with a StoreError where the port has a word for it. */
export async function answered<T>(work: Promise<T>, tooLong: 'unavailable' | 'too-costly' = 'unavailable'): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toStoreError(error, tooLong);
  }
}

/** Of an operation that certainly wrote nothing, unless MongoDB itself says that it may have. */
export function toStoreError(error: unknown, tooLong: 'unavailable' | 'too-costly' = 'unavailable'): unknown {
  if (error instanceof StoreError) return error;
  if (isBareLine(error)) return new StoreError('unavailable', sentences.unavailable, undefined, { cause: error });
  if (!(error instanceof MongoError)) return error;
  const options = { cause: error };
  if (error instanceof MongoWriteConcernError) return unknownOutcome(error);
  if (isTooLong(error)) return new StoreError(tooLong, sentences[tooLong], undefined, options);
  if (NO_ROOM_CODES.has(Number(error.code)))
    return new StoreError('full', 'MongoDB has no room left.', undefined, options);
  if (isTrouble(error)) return new StoreError('unavailable', sentences.unavailable, undefined, options);
  return error;
}

export const unknownOutcome = (error: unknown): StoreError =>
  new StoreError('unknown', 'MongoDB did not say whether the write was done.', undefined, { cause: error });

/** The server or the way to it failed, not the request. */
export const isTrouble = (error: unknown): boolean =>
  isBareLine(error) ||
  (error instanceof MongoError &&
    (troubles.some((kind) => wrapped(error) instanceof kind) ||
      isWrappedSelection(error) ||
      TROUBLE_CODES.has(Number(error.code)) ||
      error.hasErrorLabel(MongoErrorLabel.RetryableWriteError) ||
      error.hasErrorLabel(MongoErrorLabel.RetryableError) ||
      error.hasErrorLabel(MongoErrorLabel.TransientTransactionError)));

/** What a socket says when it breaks under a command: the driver passes some of these on as they are. */
const isBareLine = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && LINE_CODES.has(String(error.code));

/** A bulk write hides the class of what went wrong on the way, but carries the topology that a failed selection names. */
const isWrappedSelection = (error: MongoError): boolean =>
  error instanceof MongoBulkWriteError && 'reason' in error && typeof error.reason === 'object';

/** This very client was closed; to try again is in vain. */
export const isClosed = (error: unknown): boolean => closings.some((kind) => error instanceof kind);

/** The connection broke, or the answer says that the write may yet be undone: it may be there and it may not. */
export const isAmbiguous = (error: unknown): boolean =>
  error instanceof MongoNetworkError || error instanceof MongoWriteConcernError || isBareLine(error);

export const DUPLICATE_KEY = 11000;

export const isDuplicate = (error: unknown): boolean =>
  error instanceof MongoServerError && error.code === DUPLICATE_KEY;

export const isTransient = (error: unknown): boolean =>
  error instanceof MongoError && error.hasErrorLabel(MongoErrorLabel.TransientTransactionError);

/** The line broke. Before a commit that is no different: but for some such errors the driver leaves out its label. */
export const isBroken = (error: unknown): boolean =>
  isBareLine(error) || (error instanceof MongoError && wrapped(error) instanceof MongoNetworkError);

/** A bulk write hides what went wrong on the way behind an error of its own. */
const wrapped = (error: MongoError): unknown => (error instanceof MongoBulkWriteError ? error.errorResponse : error);

const isTooLong = (error: MongoError): boolean =>
  TOO_LONG_CODES.has(Number(error.code)) || error instanceof MongoOperationTimeoutError;

const sentences = {
  unavailable: 'MongoDB does not answer at the moment.',
  'too-costly': 'MongoDB did not finish in time; a narrower search may.',
};

const closings = [MongoTopologyClosedError, MongoNotConnectedError, MongoClientClosedError];

const troubles = [MongoNetworkError, MongoServerSelectionError, ...closings];

const LINE_CODES = new Set(['EPIPE', 'ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'ETIMEDOUT']);
/** Out of disk space; a transaction larger than the cache that mongod was given. */
const NO_ROOM_CODES = new Set([14031, 388]);
/** MaxTimeMSExpired, QueryExceededMemoryLimitNoDiskUseAllowed. */
const TOO_LONG_CODES = new Set([50, 292]);
/** Host not found or unreachable, network timeout, shutdown, stepdown, not the primary, recovering, interrupted. */
const TROUBLE_CODES = new Set([6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11601, 11602, 13388, 13435, 13436]);
