/** TABLE: grant_type -> what is exchanged for tokens. */
import type { Accounts } from '../accounts.js';
import type { Client } from '../clients.js';
import type { Form } from '../form.js';
import type { Grants } from '../grants.js';
import type { Keys } from '../keys.js';
import type { Ground } from '../records.js';
import { authorizationCode } from './authorization-code.js';
import { clientCredentials } from './client-credentials.js';
import { refreshToken } from './refresh-token.js';

export interface ExchangeParts {
  ground: Ground;
  grants: Grants;
  accounts: Accounts;
  keys: Keys;
  types: ReadonlySet<string>;
  /** Whether the session of this digest is still there. */
  isOnline: (session: string) => Promise<boolean>;
  /** `smart_style_url`. */
  styleUrl: string;
}

/** RFC 6749 5.1, with what SMART adds. */
export interface TokenResponse {
  access_token: string;
  token_type: 'Bearer';
  expires_in: number;
  scope: string;
  refresh_token?: string;
  id_token?: string;
  [context: string]: unknown;
}

export type Exchange = (client: Client, form: Form, parts: ExchangeParts) => Promise<TokenResponse>;

export const exchanges = {
  authorization_code: authorizationCode,
  refresh_token: refreshToken,
  client_credentials: clientCredentials,
} satisfies Record<string, Exchange>;
