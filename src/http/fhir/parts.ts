/** What the interactions work with; the roof puts it together. */
import type { Cursors } from '../../search/page.js';
import type { SearchRegistry } from '../../search/registry.js';
import type { Repository } from '../../repository/repository.js';

export interface Parts {
  repository: Repository;
  registry: SearchRegistry;
  cursors: Cursors;
  /** The FHIR base URL, without a slash at its end; links are made from it, never from the Host header. */
  base: string;
  /** The CapabilityStatement's JSON. */
  capabilities: () => string;
}
