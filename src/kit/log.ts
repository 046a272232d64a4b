/** One JSON line an event. Bodies, query values, tokens and ids of resources never get here: callers pass names only. */
import { pino, type Logger } from 'pino';

export type Log = Logger;

export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** Lines go to standard output, so that a supervisor can collect them. */
export const createLog = (level: LogLevel): Log =>
  pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'event' });
