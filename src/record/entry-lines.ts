import { SekishoError } from '../errors.ts';
import type { Entry } from '../revocation/types.ts';

const FIELDS = 8;

/** The entries that `sekisho.entry_line` wrote, a line each. @throws SekishoError `internal` for a line of another shape. */
export function entriesOfLines(text: string): Entry[] {
  return text === '' ? [] : text.split('\n').map(entryOfLine);
}

function entryOfLine(line: string): Entry {
  const fields = line.split('|');
  const [position, generation = '', operationId = '', scope = '', tid, uid, sid, sparedSid] =
    fields;
  if (fields.length !== FIELDS) {
    throw new SekishoError('internal', 'The record returned an entry that cannot be read.');
  }
  return {
    generation,
    position: Number(position),
    operationId,
    scope,
    tid: tid || null,
    uid: uid || null,
    sid: sid || null,
    sparedSid: sparedSid || null,
  };
}
