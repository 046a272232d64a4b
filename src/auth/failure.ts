/** What goes wrong in OAuth's words. One table says which status each has at an endpoint that answers JSON. */

/** TABLE: error -> status (RFC 6749 5.2, RFC 6750 3.1, RFC 7591 3.2.2, OpenID Connect Core 3.1.2.6). */
const statuses = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  unsupported_response_type: 400,
  invalid_scope: 400,
  access_denied: 403,
  insufficient_scope: 403,
  invalid_token: 401,
  login_required: 400,
  consent_required: 400,
  interaction_required: 400,
  request_not_supported: 400,
  request_uri_not_supported: 400,
  invalid_redirect_uri: 400,
  invalid_client_metadata: 400,
  temporarily_unavailable: 503,
  server_error: 500,
} as const satisfies Record<string, number>;

export type OAuthCode = keyof typeof statuses;

export class OAuthFailure extends Error {
  readonly code: OAuthCode;
  readonly status: number;
  readonly headers: Record<string, string>;

  /** @param description for the developer of the client; it never says what else exists */
  constructor(code: OAuthCode, description: string, headers: Record<string, string> = {}, status?: number) {
    super(description);
    this.name = 'OAuthFailure';
    this.code = code;
    this.status = status ?? statuses[code];
    this.headers = headers;
  }

  /** RFC 6749 5.2 allows neither quotes nor backslashes nor anything beyond ASCII in a description. */
  get description(): string {
    return this.message.replace(/"/g, "'").replace(/[^\x20-\x5b\x5d-\x7e]/g, '?');
  }

  get body(): { error: OAuthCode; error_description: string } {
    return { error: this.code, error_description: this.description };
  }
}

/** What a callback called an error. */
export const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

export const isOAuthCode = (text: unknown): text is OAuthCode => typeof text === 'string' && text in statuses;
