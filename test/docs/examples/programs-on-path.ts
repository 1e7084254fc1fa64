import { join } from 'node:path';
import { COMMAND } from '../../support/process.ts';
import { root } from './blocks.ts';

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const node = quoted(process.execPath);

/**
 * Programs that the examples call, by the name that they call them by: the built command instead of an installed one; `npm`
 * and `npx` of this checkout, where what was built is not built anew under the tests that use it.
 */
export const programs: Readonly<Record<string, string>> = {
  sekisho: `#!/bin/sh\nexec ${node} ${quoted(COMMAND)} "$@"\n`,
  npx: `#!/bin/sh
if [ "$1" = sekisho ]; then shift; exec sekisho "$@"; fi
name=$1; shift
cd ${quoted(root)} && exec ${quoted(join(root, 'node_modules/.bin'))}/"$name" "$@"
`,
  npm: `#!/bin/sh
if [ "$*" = 'run --silent build' ]; then exit 0; fi
real=$(PATH="\${PATH#*:}" command -v npm)
cd ${quoted(root)} && exec "$real" "$@"
`,
};
