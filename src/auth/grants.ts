/**
 * Grants, and the tokens that stand for them. A grant is what a user, or the operator, allowed a client: whoever takes
 * it away ends all of its tokens at once, as each is looked at together with its grant. Codes and refresh tokens are
 * used once: of many at the same time one wins, and one that comes again ends the grant. (RFC 9700 4.14, RFC 6749 4.1.2)
 */
import type { Role } from '../access/principal.js';
import type { Instant } from '../kit/clock.js';
import { requestId, unguessableToken } from '../kit/id.js';
import { limits } from '../kit/limits.js';
import type { LaunchContext } from './launch.js';
import { createRecords, type Ground } from './records.js';
import { digest } from './secrets.js';

export interface GrantRecord {
  id: string;
  client: string;
  clientName: string;
  role: Role;
  /** The organization that the token acts for. */
  organization: string;
  /** For logs and audit. */
  name: string;
  /** The account; a backend service has none. */
  user?: string;
  fhirUser?: string;
  scope: string;
  context: LaunchContext;
  /** When the user signed in, in seconds. */
  authTime?: number;
  nonce?: string;
  /** The digest of the session that online access ends with. */
  session?: string;
  /** How it may be renewed. */
  access: 'offline' | 'online' | 'once';
  at: Instant;
  /** The FHIR base that its tokens are for. */
  audience: string;
}

export interface AccessToken {
  grant: string;
  /** Fewer than the grant's, where a refresh asked for fewer. */
  scope: string;
  issued: Instant;
  expires: Instant;
}

interface RefreshToken {
  grant: string;
}

/** What waits at the redirect URI to be redeemed. */
export interface Code {
  grant: string;
  redirectUri: string;
  challenge: string;
}

/** @param grant undefined when it had ended before */
export type WhenEnded = (id: string, grant: GrantRecord | undefined, isReuse: boolean) => void | Promise<void>;

export interface Grants {
  open(wanted: Omit<GrantRecord, 'id' | 'at'>): Promise<GrantRecord>;
  find(id: string): Promise<GrantRecord | undefined>;
  /** Ends the grant with all of its tokens. */
  end(id: string): Promise<void>;
  /** Those of a user, the newest first. */
  ofUser(user: string): Promise<GrantRecord[]>;
  issueCode(code: Code): Promise<string>;
  /** The code's record, to the first who redeems it. For all later ones the grant ends, and there is nothing. */
  redeem(code: string): Promise<Code | undefined>;
  /** As `redeem`, but leaves it unspent: to refuse what does not fit before it is used up. */
  lookAt(code: string): Promise<Code | undefined>;
  issueAccess(grant: GrantRecord, scope: string): Promise<{ token: string; seconds: number }>;
  access(token: string): Promise<{ token: AccessToken; grant: GrantRecord } | undefined>;
  issueRefresh(grant: GrantRecord): Promise<string>;
  refresh(token: string): Promise<GrantRecord | undefined>;
  /** True for the first who uses it; for all later ones the grant ends. */
  spendRefresh(token: string): Promise<boolean>;
  /** Ends one access token alone. */
  endAccess(token: string): Promise<void>;
  /** Called with each grant that ends at this process, and whether that is because a secret of it came twice. */
  whenEnded(told: WhenEnded): void;
}

export function createGrants({ vault, clock }: Ground): Grants {
  const grants = createRecords<GrantRecord>(vault, 'grant');
  const users = createRecords<string>(vault, 'granted');
  const codes = createRecords<Code>(vault, 'code');
  const accesses = createRecords<AccessToken>(vault, 'access');
  const refreshes = createRecords<RefreshToken>(vault, 'refresh');
  const spent = createRecords<string>(vault, 'spent');
  const listeners: WhenEnded[] = [];
  const tellAll = (...ended: Parameters<WhenEnded>) =>
    Promise.all(
      listeners.map(async (told) => {
        await told(...ended);
      }),
    );

  /** How long a grant stands without being renewed. */
  const lifeOf = ({ access }: Pick<GrantRecord, 'access'>): number =>
    access === 'offline' ? limits.refreshMs : access === 'online' ? limits.sessionMs : limits.codeMs + limits.accessMs;

  async function keep(grant: GrantRecord): Promise<void> {
    const expires = clock.now() + lifeOf(grant);
    await grants.put(grant.id, grant, expires);
    if (grant.user !== undefined) await users.put(`${grant.user}:${grant.id}`, grant.id, expires);
  }

  async function end(id: string, isReuse = false): Promise<void> {
    const grant = await grants.take(id);
    if (grant?.user !== undefined) await users.take(`${grant.user}:${id}`);
    await tellAll(id, grant, isReuse);
  }

  async function refresh(token: string): Promise<GrantRecord | undefined> {
    const found = await refreshes.get(digest(token));
    return found === undefined ? undefined : grants.get(found.grant);
  }

  return {
    async open(wanted) {
      const grant: GrantRecord = { id: requestId(), at: clock.now(), ...wanted };
      await keep(grant);
      return grant;
    },
    find: (id) => grants.get(id),
    end: (id) => end(id),
    async ofUser(user) {
      const found = await Promise.all(
        (await users.list(`${user}:`, limits.grantsOfUser)).map(({ value }) => grants.get(value)),
      );
      return found.filter((grant) => grant !== undefined).sort((one, other) => other.at - one.at);
    },
    async issueCode(code) {
      const text = unguessableToken();
      await codes.put(digest(text), code, clock.now() + limits.codeMs);
      return text;
    },
    lookAt: (code) => codes.get(digest(code)),
    async redeem(text) {
      const name = digest(text);
      const code = await codes.get(name);
      // Long after the code has expired its second use still tells that somebody else has it.
      const first = code !== undefined && (await spent.claim(name, code.grant, clock.now() + limits.accessMs));
      if (first) return code;
      const grant = await spent.get(name);
      if (grant !== undefined) await end(grant, true);
      return undefined;
    },
    async issueAccess(grant, scope) {
      const token = unguessableToken();
      const lifeMs = grant.user === undefined ? limits.backendAccessMs : limits.accessMs;
      const issued = clock.now();
      await accesses.put(digest(token), { grant: grant.id, scope, issued, expires: issued + lifeMs }, issued + lifeMs);
      return { token, seconds: lifeMs / 1000 };
    },
    async access(text) {
      const token = await accesses.get(digest(text));
      const grant = token === undefined ? undefined : await grants.get(token.grant);
      return token === undefined || grant === undefined ? undefined : { token, grant };
    },
    async issueRefresh(grant) {
      // The grant lives on with each use.
      await keep(grant);
      const token = unguessableToken();
      await refreshes.put(digest(token), { grant: grant.id }, clock.now() + lifeOf(grant));
      return token;
    },
    refresh,
    async spendRefresh(token) {
      const [name, grant] = [digest(token), await refresh(token)];
      if (grant === undefined) return false;
      if (await spent.claim(name, grant.id, clock.now() + lifeOf(grant))) return true;
      await end(grant.id, true);
      return false;
    },
    async endAccess(token) {
      const gone = await accesses.take(digest(token));
      if (gone !== undefined) await tellAll(gone.grant, undefined, false);
    },
    whenEnded: (told) => void listeners.push(told),
  };
}
