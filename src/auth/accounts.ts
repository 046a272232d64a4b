/** People who sign in: what they are here, whom they act for, and how many wrong passwords they may give. */
import type { Role } from '../access/principal.js';
import type { Clock } from '../kit/clock.js';
import { timeOrderedId } from '../kit/id.js';
import { limits } from '../kit/limits.js';
import type { Vault } from '../store/port.js';
import { createRecords } from './records.js';
import { digest, hashPassword, isPassword, nobodysHash } from './secrets.js';

export interface Account {
  /** Also the `sub` of id_tokens: never another person's, never a client's. */
  id: string;
  username: string;
  /** As they are greeted. */
  name: string;
  role: PersonRole;
  /** The id of the Organization that this account acts for. Who belongs to two has two accounts. */
  organization: string;
  /** What they are in FHIR: `Practitioner/…`, `Patient/…`, `RelatedPerson/…`. */
  fhirUser?: string;
  /** The patients that an account of a patient or related person is about. */
  patients?: string[];
  /** Who signs in elsewhere has none. */
  password?: string;
  /** `iss` and `sub` at the OpenID Provider where they sign in. */
  upstream?: { issuer: string; subject: string };
}

export const PERSON_ROLES = [
  'administrator',
  'coordinator',
  'referrer',
  'specialist',
  'patient',
  'related-person',
  'auditor',
] as const satisfies readonly Role[];
export type PersonRole = (typeof PERSON_ROLES)[number];

export type WantedAccount = Omit<Account, 'id' | 'password'> & { password?: string };

export interface Accounts {
  find(id: string): Promise<Account | undefined>;
  byUsername(username: string): Promise<Account | undefined>;
  byUpstream(issuer: string, subject: string): Promise<Account | undefined>;
  add(wanted: WantedAccount): Promise<Account>;
  setPassword(username: string, password: string): Promise<boolean>;
  list(): Promise<Account[]>;
  remove(username: string): Promise<boolean>;
  /**
   * The account, when the password is right. After too many wrong ones nobody gets in for a while, neither under that
   * name nor from that address; the right password is then not even looked at.
   */
  signIn(username: string, password: string, address: string): Promise<Account | SignInRefusal>;
}

/** `busy`: too many sign in at this moment. */
export type SignInRefusal = 'wrong' | 'locked' | 'busy';

/** Passwords that are looked at at once, as each takes 32 MB and a core; and those that wait for it. */
const AT_ONCE = 2;
const WAITING = 64;

/**
 * @param rounds what hashing a password costs
 * @param fits compares a password with what is kept of it; it takes its time
 */
export function createAccounts(
  vault: Vault,
  clock: Clock,
  rounds: number = limits.passwordRounds,
  fits = isPassword,
): Accounts {
  const records = createRecords<Account>(vault, 'account');
  const names = createRecords<string>(vault, 'username');
  const subjects = createRecords<string>(vault, 'upstream');
  const attempts = createRecords<number>(vault, 'attempts');
  const looking = createTurnstile(AT_ONCE, WAITING);

  const find = (id: string) => records.get(id);
  const through = async (id: string | undefined) => (id === undefined ? undefined : find(id));
  const byUsername = async (username: string) => through(await names.get(nameOf(username)));
  const subjectOf = (issuer: string, subject: string) => digest(`${issuer} ${subject}`);

  async function add({ password, ...wanted }: WantedAccount): Promise<Account> {
    const account: Account = { id: `user-${timeOrderedId(clock.now())}`, ...wanted };
    if (password !== undefined) account.password = await hashPassword(password, rounds);
    if (!(await names.claim(nameOf(account.username), account.id))) {
      throw new Error(`There is an account ${account.username} already.`);
    }
    await records.put(account.id, account);
    const { upstream } = account;
    if (upstream !== undefined) await subjects.put(subjectOf(upstream.issuer, upstream.subject), account.id);
    return account;
  }

  /** Each failure counts in a window of its own; windows begin at fixed instants, so that processes share them. */
  const windowOf = (who: string) => `${digest(who)}:${Math.floor(clock.now() / limits.lockoutMs)}`;

  /** The count, and one more: by claims, as two processes may count at once. */
  async function fail(who: string): Promise<void> {
    const window = windowOf(who);
    for (let count = 0; count < limits.wrongPasswordsFromAddress; count += 1) {
      if (await attempts.claim(`${window}:${count}`, count, clock.now() + limits.lockoutMs)) return;
    }
  }
  const isLocked = async (who: string, atMost: number): Promise<boolean> =>
    (await attempts.get(`${windowOf(who)}:${atMost - 1}`)) !== undefined;

  async function signIn(username: string, password: string, address: string) {
    const [byName, byAddress] = [`name ${nameOf(username)}`, `address ${address}`];
    if (await isLocked(byName, limits.wrongPasswords)) return 'locked';
    if (await isLocked(byAddress, limits.wrongPasswordsFromAddress)) return 'locked';
    const account = await byUsername(username);
    const right = await looking(() => fits(password, account?.password ?? nobodysHash(rounds)));
    if (right === undefined) return 'busy';
    if (right && account?.password !== undefined) return account;
    await fail(byName);
    await fail(byAddress);
    return 'wrong';
  }

  return {
    find,
    byUsername,
    byUpstream: async (issuer, subject) => through(await subjects.get(subjectOf(issuer, subject))),
    add,
    async setPassword(username, password) {
      const account = await byUsername(username);
      if (account === undefined) return false;
      await records.put(account.id, { ...account, password: await hashPassword(password, rounds) });
      return true;
    },
    list: async () => (await records.list('', limits.accounts)).map(({ value }) => value),
    async remove(username) {
      const id = await names.take(nameOf(username));
      const gone = id === undefined ? undefined : await records.take(id);
      if (gone?.upstream !== undefined) await subjects.take(subjectOf(gone.upstream.issuer, gone.upstream.subject));
      return gone !== undefined;
    },
    signIn,
  };
}

/** Lets so many in at once, and so many wait; undefined for those beyond. */
function createTurnstile(atOnce: number, atMost: number) {
  const waiting: (() => void)[] = [];
  let inside = 0;
  return async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    if (inside >= atOnce) {
      if (waiting.length >= atMost) return undefined;
      await new Promise<void>((go) => waiting.push(go));
    } else inside += 1;
    try {
      return await work();
    } finally {
      // Whoever waits takes the place over.
      const next = waiting.shift();
      if (next === undefined) inside -= 1;
      else next();
    }
  };
}

/** Neither case nor the way an accent is written makes another person. */
const nameOf = (username: string): string => digest(username.normalize('NFKC').toLowerCase().trim());
