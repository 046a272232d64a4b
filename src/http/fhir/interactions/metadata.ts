/** capabilities: what this server does (R4 http.html#capabilities). */
import type { FhirCall } from '../call.js';
import { formatParameter } from '../parameters.js';
import type { Parts } from '../parts.js';
import type { Reply } from '../reply.js';

export function metadata(call: FhirCall, parts: Parts): Promise<Reply> {
  formatParameter(call.query.replace(/(^|&)mode=full(?=&|$)/, ''));
  return Promise.resolve({ status: 200, text: parts.capabilities() });
}
