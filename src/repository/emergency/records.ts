/**
 * Emergencies in the vault: one for a grant and a patient. It outlives its time until its end was told; and it has ended
 * once there is a mark that says so, which is put there by the very write that tells of it. So no end is lost with a
 * process that falls, none is told twice, and none is told before it is true.
 */
import type { Emergency, EmergencyPurpose } from '../../access/emergency.js';
import type { Who } from '../../audit/record.js';
import type { Clock } from '../../kit/clock.js';
import { limits } from '../../kit/limits.js';
import type { Vault, VaultRecord } from '../../store/port.js';

/** What is told of one when it ends. */
export interface EmergencyRecord extends Emergency {
  grant: string;
  purpose: EmergencyPurpose;
  /** Who broke the glass; no secret. */
  by: Who;
}

const KIND = 'emergency:';
const endOf = (id: string): string => `emergency-end:${id}`;
const keyOf = (grant: string, patient: string): string => `${KIND}${grant}:${patient}`;

export interface EmergencyRecords {
  find(grant: string, patient: string): Promise<EmergencyRecord | undefined>;
  /** Those of a grant that are on. */
  ofGrant(grant: string): Promise<Emergency[]>;
  /** What is to be kept by the write that tells of the emergency. */
  toKeep(record: EmergencyRecord): VaultRecord;
  /** That it has ended; of all who try to keep it one can. */
  toEnd(record: EmergencyRecord): VaultRecord;
  /** When it has ended. */
  remove(record: EmergencyRecord): Promise<void>;
  /** Those whose time is over and whose end nobody has told yet; a page at a time. */
  over(): AsyncGenerator<EmergencyRecord>;
}

export function createEmergencyRecords(vault: Vault, clock: Clock): EmergencyRecords {
  const read = (text: string): EmergencyRecord => JSON.parse(text) as EmergencyRecord;
  const isEnded = async (id: string): Promise<boolean> => (await vault.get(endOf(id))) !== undefined;
  const toKeep = (record: EmergencyRecord): VaultRecord => ({
    key: keyOf(record.grant, record.patient),
    value: JSON.stringify(record),
    expires: record.until + limits.emergencyToldMs,
  });

  async function* listed(prefix: string): AsyncGenerator<EmergencyRecord> {
    for (let after: string | undefined; ;) {
      const page = await vault.list(after, PAGE, prefix);
      for (const { value } of page) yield read(value);
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return;
      after = last.key;
    }
  }

  return {
    toKeep,
    async find(grant, patient) {
      const text = await vault.get(keyOf(grant, patient));
      return text === undefined ? undefined : read(text);
    },
    async ofGrant(grant) {
      const found: Emergency[] = [];
      for await (const { from, id, owner, patient, until } of listed(`${KIND}${grant}:`))
        if (until > clock.now() && !(await isEnded(id))) found.push({ id, patient, owner, from, until });
      return found;
    },
    toEnd: ({ id, until }) => ({ key: endOf(id), value: '', expires: until + 2 * limits.emergencyToldMs }),
    async remove({ grant, patient }) {
      await vault.take(keyOf(grant, patient));
    },
    async *over() {
      for await (const record of listed(KIND)) if (record.until <= clock.now()) yield record;
    },
  };
}

const PAGE = 100;
