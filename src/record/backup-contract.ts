import type { KeyRing } from '../token/secrets.ts';

/** Makes files from which the record can be restored, in either shape (docs/backup.md). */
export interface BackupStore {
  /**
   * Writes all that the record holds at one moment to a new file, while everything else goes on. The file appears under
   * its name when it is whole and has reached the disk, and its owner alone may read it. One at a time.
   *
   * @throws SekishoError `conflict` while another one is being made or when the file is there already;
   *   `invalid_configuration` for another deployment's secret; `backup_unusable` when the file cannot be written;
   *   `store_unavailable`.
   */
  write(request: BackupRequest): Promise<BackupSummary>;
}

export interface BackupRequest {
  /** Absolute; nothing may be there. */
  readonly path: string;
  /** The newest member encrypts the file; any member that knew it then can restore it. */
  readonly ring: KeyRing;
  readonly onProgress?: (progress: {
    readonly done: number;
    readonly total: number | null;
  }) => void;
  /** Ends it; nothing is left behind. */
  readonly signal?: AbortSignal;
}

/** What a file holds. */
export interface BackupSummary {
  readonly path: string;
  readonly bytes: number;
  /** Of all tables. */
  readonly rows: number;
  /** The moment that the rows are of, by the clock of the process that made it. */
  readonly takenAtMs: number;
  /** Number of the newest migration that the record had. */
  readonly schemaVersion: number;
  /** The head of the revocation log at that moment. */
  readonly generation: string;
  readonly position: number;
  /** Id of the ring member that opens it; tells nothing of the secret. */
  readonly keyId: string;
}
