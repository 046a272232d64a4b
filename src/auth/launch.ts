/** Launch context: which patient, which referral. An EHR puts it under a handle that an app brings back to be signed in with. */
import type { Clock } from '../kit/clock.js';
import { unguessableToken } from '../kit/id.js';
import { limits } from '../kit/limits.js';
import type { Vault } from '../store/port.js';
import { createRecords } from './records.js';
import { digest } from './secrets.js';

/** What a token response tells beside the token. (scopes-and-launch-context.html#launch-context-arrives-with-your-access_token) */
export interface LaunchContext {
  patient?: string;
  encounter?: string;
  /** What else is open: the referral and its task, a questionnaire. Never Patient or Encounter. */
  fhirContext?: { reference?: string; canonical?: string; type?: string; role?: string }[];
  intent?: string;
  /** Whether the app should show whom it is about: not when the EHR around it does. */
  needPatientBanner?: boolean;
  /** The organization from which the app was launched. */
  tenant?: string;
}

export interface Handle {
  /** The app it is for. */
  client: string;
  /** The account it is for. */
  user: string;
  /** The EHR that made it. */
  by: string;
  context: LaunchContext;
}

export interface Launches {
  create(handle: Handle): Promise<string>;
  /** Leaves it where it is: it is used up when the user has decided. */
  find(launch: string): Promise<Handle | undefined>;
  /** To exactly one. */
  use(launch: string): Promise<Handle | undefined>;
}

export function createLaunches(vault: Vault, clock: Clock): Launches {
  const records = createRecords<Handle>(vault, 'launch');
  return {
    async create(handle) {
      const launch = unguessableToken();
      await records.put(digest(launch), handle, clock.now() + limits.launchMs);
      return launch;
    },
    find: (launch) => records.get(digest(launch)),
    use: (launch) => records.take(digest(launch)),
  };
}
