import { backupTests } from '../conformance/backup.ts';
import { embeddedPlace } from '../support/backup-places.ts';

backupTests({ from: embeddedPlace, to: embeddedPlace });
