/** The one file that knows passport: how people sign in, and how their session says who they are. */
import type { IncomingMessage } from 'node:http';
import passport from 'passport';
import type { Account, Accounts, SignInRefusal } from './accounts.js';
import { asError } from './failure.js';
import type { Form } from './form.js';
import type { Upstream } from './upstream.js';

export interface SignInRequest extends IncomingMessage {
  form?: Form;
  /** The address of whoever asks, as far as it can be told. */
  ip?: string | undefined;
  session?: unknown;
  user?: unknown;
}

export interface SignIn {
  /** Puts the account of the session into `request.user`. */
  session: Middleware;
  /** The account, by what the request brings: `password` from the form, or `upstream` from another OpenID Provider. */
  by(strategy: 'password' | 'upstream', request: SignInRequest): Promise<Account | SignInRefusal>;
  /** Begins a new session for the account: whoever knew the id of the old one has nothing of it. */
  start(request: SignInRequest, account: Account): Promise<void>;
}

export type Middleware = (request: SignInRequest, response: unknown, next: (error?: unknown) => void) => void;

export function createSignIn(accounts: Accounts, upstream: Upstream | undefined): SignIn {
  const people = new passport.Passport();
  people.serializeUser((user, done) => done(null, (user as Account).id));
  people.deserializeUser((id: string, done) => {
    // Whoever was removed is signed out with their next request.
    accounts.find(id).then((account) => done(null, account ?? false), done);
  });

  people.use(
    'password',
    strategy(async ({ form, ip }) => {
      const [username, password] = [form?.get('username'), form?.get('password')];
      if (username === undefined || password === undefined) return 'wrong';
      return accounts.signIn(username, password, ip ?? '');
    }),
  );
  people.use(
    'upstream',
    strategy(async (request) => {
      const identity = await upstream?.identify(request);
      const account = identity === undefined ? undefined : await accounts.byUpstream(identity.issuer, identity.subject);
      return account ?? 'wrong';
    }),
  );

  const session = people.session() as unknown as Middleware;
  return {
    session,
    by: (name, request) =>
      new Promise((resolve, reject) => {
        const told = (error: unknown, account: Account | false, refusal?: { message: SignInRefusal }) => {
          if (error !== null && error !== undefined) reject(asError(error));
          else resolve(account === false ? (refusal?.message ?? 'wrong') : account);
        };
        (people.authenticate(name, told as never) as unknown as Middleware)(request, {}, reject);
      }),
    start: (request, account) =>
      new Promise((resolve, reject) => {
        const { logIn } = request as unknown as { logIn: (user: Account, done: (error?: unknown) => void) => void };
        logIn.call(request, account, (error) =>
          error === undefined || error === null ? resolve() : reject(asError(error)),
        );
      }),
  };
}

function strategy(find: (request: SignInRequest) => Promise<Account | SignInRefusal>): passport.Strategy {
  return new (class extends passport.Strategy {
    override authenticate(request: unknown): void {
      find(request as SignInRequest).then(
        (found) => (typeof found === 'string' ? this.fail({ message: found }) : this.success(found)),
        (error: unknown) => this.error(error),
      );
    }
  })();
}
