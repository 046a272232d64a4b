/** The authorization server: all of its parts put together, for the wire above it. */
import type { Clock } from '../kit/clock.js';
import type { Repository } from '../repository/repository.js';
import type { SearchRegistry } from '../search/registry.js';
import type { Vault } from '../store/port.js';
import { createAccounts, type Accounts } from './accounts.js';
import { createAssertions } from './assertion.js';
import { createBearer, type Authenticate } from './bearer.js';
import { createClientAuthentication, type ClientAuthenticator } from './client-authentication.js';
import { createClients, type Clients } from './clients.js';
import { createDirectory, type Directory } from './directory.js';
import { discoveryOf, endpoints, type Discovery } from './discovery.js';
import type { ExchangeParts } from './exchanges/index.js';
import { createGrants, type Grants } from './grants.js';
import { createGuests, type Guests } from './guest.js';
import { createInteraction, type Interaction } from './interaction.js';
import { createKeysOf } from './jwks.js';
import { createKeys, type Keys } from './keys.js';
import { createLaunches, type Launches } from './launch.js';
import { createOAuth, type OAuth } from './oauth.js';
import { createOutbound } from './outbound.js';
import type { Ground } from './records.js';
import type { RequestParts } from './request.js';
import { createSessions, type Sessions } from './sessions.js';
import { createSignIn, type SignIn } from './strategies.js';
import { createUpstream, type Upstream } from './upstream.js';

export interface AuthParts {
  vault: Vault;
  clock: Clock;
  /** The FHIR base URL, which ends in `/fhir`; the issuer is what stands before that. */
  base: string;
  types: ReadonlySet<string>;
  repository: Repository;
  registry: SearchRegistry;
  config: AuthSettings;
  passwordRounds: number;
  /** Where `smart_style_url` stands, below the issuer. */
  stylePath: string;
}

/** What the operator sets. */
export interface AuthSettings {
  /** Empty: nobody signs in elsewhere. */
  openidIssuer: string;
  openidClientId: string;
  openidClientSecret: string;
  openidAudience: string;
  /** The initial access token of those who may register clients; empty: nobody. */
  registrationToken: string;
  outboundHosts: string[];
}

export interface Auth {
  ground: Ground;
  accounts: Accounts;
  clients: Clients;
  grants: Grants;
  keys: Keys;
  launches: Launches;
  directory: Directory;
  oauth: OAuth;
  interaction: Interaction;
  sessions: Sessions;
  signIn: SignIn;
  guests: Guests;
  upstream: Upstream | undefined;
  authenticate: Authenticate;
  clientOf: ClientAuthenticator;
  discovery: Discovery;
  request: RequestParts;
  registrationToken: string;
  styleUrl: string;
}

export const issuerOf = (base: string): string => base.replace(/\/fhir$/, '');

/** What another EHR has to know as our redirect URI. */
export const launchedAt = (issuer: string): string => `${issuer}/auth/launched/callback`;

export function createAuth(parts: AuthParts): Auth {
  const { base, clock, config, stylePath, types, vault } = parts;
  const ground: Ground = { vault, clock, base, issuer: issuerOf(base) };
  const styleUrl = `${ground.issuer}${stylePath}`;
  const { registrationToken } = config;
  const upstream = upstreamOf(config, ground);
  const fetch = createOutbound(config.outboundHosts);
  const accounts = createAccounts(vault, clock, parts.passwordRounds);
  const clients = createClients(vault, clock);
  const grants = createGrants(ground);
  const keys = createKeys(ground);
  const launches = createLaunches(vault, clock);
  const directory = createDirectory(parts);
  const sessions = createSessions(vault, clock);
  const exchange: ExchangeParts = { ground, grants, accounts, keys, types, styleUrl, isOnline: sessions.isThere };
  const oauth = createOAuth(exchange);
  const audiences = [`${ground.issuer}${endpoints.token_endpoint}`, ground.issuer];
  const clientOfAssertion = createAssertions({ ground, clients, keysOf: createKeysOf(fetch, clock), audiences });
  return {
    ground,
    accounts,
    clients,
    grants,
    keys,
    launches,
    directory,
    oauth,
    interaction: createInteraction({ oauth, clients, grants, launches, directory, clock, base }),
    sessions,
    signIn: createSignIn(accounts, upstream),
    guests: createGuests(vault, clock, launchedAt(ground.issuer)),
    upstream,
    authenticate: createBearer({ grants, clients, clock, base }),
    clientOf: createClientAuthentication(
      clients,
      clientOfAssertion,
      async (token) => (await grants.refresh(token))?.client,
    ),
    discovery: discoveryOf(ground.issuer, registrationToken !== ''),
    request: { clients, launches, types, base },
    registrationToken,
    styleUrl,
  };
}

function upstreamOf(config: AuthSettings, { clock, issuer, vault }: Ground): Upstream | undefined {
  if (config.openidIssuer === '') return undefined;
  const settings = {
    issuer: config.openidIssuer,
    clientId: config.openidClientId,
    clientSecret: config.openidClientSecret,
    audience: config.openidAudience,
    redirectUri: `${issuer}/auth/upstream/callback`,
  };
  return createUpstream(settings, vault, clock);
}
