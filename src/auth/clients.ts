/** Registered clients: apps that people use, and systems that act by themselves. */
import { intersect, parseScopes, printScopes, type Scopes } from '../access/scopes.js';
import type { Clock } from '../kit/clock.js';
import { timeOrderedId, unguessableToken } from '../kit/id.js';
import { limits } from '../kit/limits.js';
import type { Vault } from '../store/port.js';
import { OAuthFailure } from './failure.js';
import { createRecords } from './records.js';
import { digest } from './secrets.js';

/** How a client proves who it is (RFC 7591 2). */
export type ClientAuthentication = 'none' | 'client_secret' | 'private_key_jwt';

export interface Client {
  /** `client_id`. */
  id: string;
  /** What people read when they are asked for their consent. */
  name: string;
  /** The organization whose data a backend service works on; an app works for the organization of its user. */
  organization: string;
  authentication: ClientAuthentication;
  /** The secret's digest. */
  secret?: string;
  jwks?: { keys: Record<string, unknown>[] };
  jwksUri?: string;
  redirectUris: string[];
  launchUrl?: string;
  /** The most that it may be granted. */
  scope: string;
  /** `authorization_code` for apps, `client_credentials` for backend services. */
  grantTypes: GrantType[];
  /** May ask what tokens of other clients mean. */
  introspects?: boolean;
  /** An EHR that may launch apps for its users. */
  launches?: boolean;
}

export type GrantType = 'authorization_code' | 'refresh_token' | 'client_credentials';

export interface Clients {
  find(id: string): Promise<Client | undefined>;
  /** Registers a client under an id of its own; the secret is told once. Throws what cannot be registered. */
  add(wanted: WantedClient): Promise<{ client: Client; secret?: string }>;
  list(): Promise<Client[]>;
  remove(id: string): Promise<boolean>;
  /** Whether pages of this origin may call: a registered app lives there. */
  isOrigin(origin: string): Promise<boolean>;
}

const ORIGINS_KEPT = 1000;

export type WantedClient = Omit<Client, 'id' | 'secret'> & { id?: string };

export function createClients(vault: Vault, clock: Clock): Clients {
  const records = createRecords<Client>(vault, 'client');
  const origins = createRecords<string>(vault, 'origin');
  /** What was found of an origin, for a second: a page asks before each of its requests. */
  const looked = new Map<string, { found: Promise<boolean>; until: number }>();

  async function add({ id, ...wanted }: WantedClient) {
    refuseOdd(wanted);
    // Never the name of a user, whose subjects are named otherwise. (RFC 9700 4.15)
    const client: Client = { id: id ?? `client-${timeOrderedId(clock.now())}`, ...wanted };
    if (!/^[A-Za-z0-9._-]{1,100}$/.test(client.id) || client.id.startsWith('user-')) {
      throw new OAuthFailure('invalid_client_metadata', `"${client.id}" cannot be a client_id.`);
    }
    const secret = client.authentication === 'client_secret' ? unguessableToken() : undefined;
    if (secret !== undefined) client.secret = digest(secret);
    if (!(await records.claim(client.id, client))) {
      throw new OAuthFailure('invalid_client_metadata', `There is a client ${client.id} already.`);
    }
    for (const uri of client.redirectUris) await origins.put(digest(originOf(uri)), client.id);
    return secret === undefined ? { client } : { client, secret };
  }

  return {
    find: (id) => records.get(id),
    add,
    list: async () => (await records.list('', limits.clients)).map(({ value }) => value),
    async remove(id) {
      const gone = await records.take(id);
      for (const uri of gone?.redirectUris ?? []) await origins.take(digest(originOf(uri)));
      return gone !== undefined;
    },
    isOrigin(origin) {
      const there = looked.get(origin);
      if (there !== undefined && clock.now() < there.until) return there.found;
      if (looked.size >= ORIGINS_KEPT) looked.clear();
      const found = origins.get(digest(origin)).then((client) => client !== undefined);
      looked.set(origin, { found, until: clock.now() + 1000 });
      found.catch(() => looked.delete(origin));
      return found;
    },
  };
}

/** What both may: what is asked for, within what the client was registered with. */
export const allowedTo = (client: Client, asked: Scopes): Scopes => intersect(asked, parseScopes(client.scope));

/** RFC 7591 2 and 5: what makes no sense, or would send codes where nobody may read them. */
function refuseOdd(client: Omit<Client, 'id'>): void {
  for (const uri of client.redirectUris) {
    const why = oddRedirect(uri);
    if (why !== undefined) throw new OAuthFailure('invalid_redirect_uri', `redirect_uris: ${why}`);
  }
  const why = oddMetadata(client);
  if (why !== undefined) throw new OAuthFailure('invalid_client_metadata', why);
}

export function oddRedirect(uri: string): string | undefined {
  if (!URL.canParse(uri)) return 'not an absolute URL.';
  const { protocol, hostname, hash, username } = new URL(uri);
  if (hash !== '' || uri.includes('#')) return 'a redirect URI has no fragment.';
  if (username !== '' || /[\s*\\]/.test(uri))
    return 'neither user names, spaces, backslashes nor wildcards belong there.';
  if (protocol === 'https:') return undefined;
  if (protocol === 'http:') return isLoopbackName(hostname) ? undefined : 'http is for loopback addresses only.';
  // A scheme of an app's own is the name of a domain backwards. (RFC 8252 7.1)
  return /^[a-z][a-z0-9+-]*\.[a-z0-9.+-]+:$/.test(protocol) ? undefined : `the scheme ${protocol} is not allowed.`;
}

function oddMetadata(client: Omit<Client, 'id'>): string | undefined {
  const { authentication, grantTypes, jwks, jwksUri, launchUrl, name, redirectUris, scope } = client;
  if (name.trim() === '' || name.length > 200) return 'client_name: 1 to 200 characters.';
  if (redirectUris.length > limits.redirectUris) return `redirect_uris: ${limits.redirectUris} at most.`;
  const interactive = grantTypes.includes('authorization_code');
  if (interactive && redirectUris.length === 0) return 'redirect_uris: an app needs one.';
  if (grantTypes.includes('client_credentials') && authentication !== 'private_key_jwt') {
    // SMART backend-services.html: system scopes are for clients with a key alone.
    return 'token_endpoint_auth_method: a backend service authenticates by private_key_jwt.';
  }
  if (authentication === 'private_key_jwt' && (jwks === undefined) === (jwksUri === undefined)) {
    return 'jwks, jwks_uri: exactly one of them for private_key_jwt.';
  }
  if (jwks?.keys.some((key) => PRIVATE.some((member) => member in key)) === true) {
    return 'jwks: public keys only. Make new ones: these have been seen by others now.';
  }
  if (jwksUri !== undefined && !/^https?:\/\//.test(jwksUri)) return 'jwks_uri: an https URL.';
  if (launchUrl !== undefined && !URL.canParse(launchUrl)) return 'launch URL: not an absolute URL.';
  const { refused } = parseScopes(scope);
  if (refused[0] !== undefined) return `scope: ${refused[0].scope}: ${refused[0].why}.`;
  if (scope.split(' ').length > limits.scopes) return `scope: ${limits.scopes} at most.`;
  if (scope.length > limits.scopeCharacters) return `scope: ${limits.scopeCharacters} characters at most.`;
  return undefined;
}

/** The members of a JWK that are nobody's but its owner's (RFC 7518 6.2.2, 6.3.2, 6.4). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth'];

export const isLoopbackName = (name: string): boolean =>
  name === 'localhost' || name === '[::1]' || /^127(\.[0-9]{1,3}){3}$/.test(name);

/**
 * Byte for byte one of those registered; for an app on the user's own machine any port will do, as it gets one when it
 * starts. (RFC 9700 2.1, RFC 8252 7.3)
 */
export function isRegistered(client: Client, uri: string): boolean {
  if (client.redirectUris.includes(uri)) return true;
  const native = /^http:\/\/(127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?(\/[^\s?#]*)?$/;
  const [, host, path = ''] = native.exec(uri) ?? [];
  if (client.authentication !== 'none') return false;
  return client.redirectUris.some((one) => {
    const [, registeredHost, registeredPath = ''] = native.exec(one) ?? [];
    return host !== undefined && registeredHost === host && registeredPath === path;
  });
}

const originOf = (uri: string): string => new URL(uri).origin;

export const shownScope = (client: Client): string => printScopes(parseScopes(client.scope));
