/** What a call leaves behind for the audit trail: told by the repository, which sees all that is shown and written. */
import type { AuditRecord, Version } from '../store/port.js';

export interface Trail {
  /** What the caller is about to be shown. Nothing goes out before it is kept. */
  shown(versions: readonly Version[]): void;
  /** The records that are to be kept by the very write of these; `was` is what each takes the place of. */
  writing(changes: readonly { change: Version; was: Version | undefined }[]): AuditRecord[];
  /** That write is made. */
  written(): void;
  /** Others that say whose that is which was shown: what shows the bytes of a Binary. */
  about(versions: readonly Version[]): void;
  /** Access in an emergency: the record is to be kept by the write that opens or ends it. */
  emergency(what: Emergency): AuditRecord;
  /** What more an operation has to tell of itself: counts and names, never what a resource says. */
  detail(name: string, value: string): void;
}

export interface Emergency {
  happened: 'start' | 'stop';
  patient: string;
  /** The organization whose patient that is: its auditors are told. */
  owner: string;
  /** `purposeOfUse`, such as ETREAT. */
  purpose: { system: string; code: string };
  reason: string;
}
