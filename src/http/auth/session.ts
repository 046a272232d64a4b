/** The one file that knows express-session: a cookie that only this server reads, and the record behind it. */
import session from 'express-session';
import type { RequestHandler } from 'express';
import type { Sessions } from '../../auth/sessions.js';

declare module 'express-session' {
  interface SessionData {
    /** What a form of this session carries. */
    csrf: string;
    /** When its user signed in, in milliseconds. */
    signedInAt: number;
    /** The question that this browser was sent to another OpenID Provider with. */
    upstream: string;
    /** The app of ours that this browser was launched into by another EHR. */
    launched: string;
  }
}

/**
 * @param secret signs the cookie: ids that we did not make are not even looked up
 * @param secure over https, the name binds the cookie to this host and its whole path (RFC 6265bis 4.1.3.2)
 */
export function sessionCookie(sessions: Sessions, secret: string, secure: boolean): RequestHandler {
  return session({
    name: secure ? '__Host-afferent' : 'afferent',
    secret,
    store: new VaultStore(sessions),
    resave: false,
    saveUninitialized: false,
    rolling: false,
    // Whether it is https is told by TLS here, or by a proxy that is named: Express knows both.
    cookie: { httpOnly: true, sameSite: 'lax', secure, path: '/' },
  });
}

class VaultStore extends session.Store {
  readonly #sessions: Sessions;

  constructor(sessions: Sessions) {
    super();
    this.#sessions = sessions;
  }

  override get(id: string, done: (error: unknown, data?: session.SessionData | null) => void): void {
    this.#sessions.get(id).then((kept) => done(null, (kept?.data as session.SessionData | undefined) ?? null), done);
  }

  override set(id: string, data: session.SessionData, done?: (error?: unknown) => void): void {
    void settled(this.#sessions.put(id, { ...data }), done);
  }

  override destroy(id: string, done?: (error?: unknown) => void): void {
    void settled(this.#sessions.end(id), done);
  }

  /** Called when nothing changed: the record lives on. */
  override touch(id: string, data: session.SessionData, done?: (error?: unknown) => void): void {
    this.set(id, data, done);
  }
}

const settled = async (work: Promise<void>, done?: (error?: unknown) => void): Promise<void> => {
  let failed: unknown;
  await work.catch((error: unknown) => {
    failed = error;
  });
  done?.(failed);
};
