import type { BackupRequest, BackupSummary } from '../backup-contract.ts';
import { counted } from './export.ts';
import { type Content, writeBackupFile } from './file.ts';
import { type BackupHeader, rowsOf } from './header.ts';

/** Writes what is read from the record to the file that was asked for. */
export async function writeFromRecord(
  { path, ring, onProgress, signal }: BackupRequest,
  content: Content,
): Promise<BackupSummary> {
  const { newest } = ring;
  const items = counted(content, onProgress);
  const bytes = await writeBackupFile(path, newest, { header: content.header, items }, signal);
  return summaryOf({ path, bytes, header: { ...content.header, keyId: newest.keyId } });
}

/** What a file holds, for people and programs. */
export function summaryOf(file: {
  readonly path: string;
  readonly bytes: number;
  readonly header: Omit<BackupHeader, 'salt'>;
}): BackupSummary {
  const { path, bytes, header } = file;
  return {
    path,
    bytes,
    rows: rowsOf(header),
    takenAtMs: Date.parse(header.takenAt),
    schemaVersion: header.migrations.length,
    generation: header.generation,
    position: header.position,
    keyId: header.keyId,
  };
}
