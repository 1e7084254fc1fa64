import { type Block, isHelp, isShell, type Unit } from './blocks.ts';

/** An example that this suite leaves alone. */
export interface Listed {
  /** The page, or the beginning of its name. */
  readonly page: string;
  /** How the line, or the block, begins. */
  readonly begins: string;
  /** The test that runs it instead, or … */
  readonly by?: string;
  /** … why nothing does. */
  readonly why: string;
}

const installs = 'installs what the tests run with, and is the first step of .ci/run';

/** Everything that is not run line by line by shell.test.ts, commands.test.ts, services.redis.test.ts and programs.test.ts. */
export const listed: readonly Listed[] = [
  {
    page: 'README',
    begins: 'npm ci && npm start',
    by: 'test/process/serve.test.ts',
    why: `npm ci ${installs}; npm start is the build and serve, which those tests start`,
  },
  {
    page: 'README',
    begins: 'npm ci && npm test',
    why: `npm ci ${installs}; npm test is another of its steps, and would run inside itself`,
  },
  {
    page: 'README',
    begins: 'npm run demo  ',
    by: 'test/process/demo.test.ts',
    why: 'it plays the story to its end',
  },
  {
    page: 'README',
    begins: 'npm run demo:cluster',
    why: 'half a minute of load by three nodes; test/faults plays the same loss of Redis',
  },
  {
    page: 'README',
    begins: 'npm init -y && npm install',
    by: 'test/docs/readme.test.ts',
    why: 'done with the packages of the checkout, so that no registry is asked',
  },
  {
    page: 'README',
    begins: 'node fetch.mjs',
    by: 'test/docs/readme.test.ts',
    why: 'started, and asked',
  },
  {
    page: 'README',
    begins: '// fetch.mjs',
    by: 'test/docs/readme.test.ts',
    why: 'started as an app of its own, and asked',
  },
  {
    page: 'README',
    begins: '// express.mjs',
    by: 'test/docs/readme.test.ts',
    why: 'started as an app of its own, and asked',
  },
  {
    page: 'README',
    begins: "echo 'seven green bicycles'",
    by: 'test/docs/readme.test.ts',
    why: 'run against both apps',
  },
  {
    page: 'README',
    begins: 'curl -s localhost:3000',
    by: 'test/docs/readme.test.ts',
    why: 'run against both apps',
  },
  { page: 'CONTRIBUTING.md', begins: 'npm ci', why: installs },
  { page: 'CONTRIBUTING.md', begins: 'npm test', why: 'a step of .ci/run, and inside itself' },
  { page: 'CONTRIBUTING.md', begins: 'npm run check', why: 'its parts are steps of .ci/run' },
  {
    page: 'docs/getting-started.md',
    begins: '',
    by: 'test/docs/getting-started.test.ts',
    why: 'one story in one shell',
  },
  {
    page: 'docs/testing.md',
    begins: '// orders.test.ts',
    by: 'test/docs/testing.test.ts',
    why: 'run by vitest in a project of its own',
  },
  {
    page: 'docs/testing.md',
    begins: '// orders.spec.js',
    by: 'test/testing/browser.test.ts',
    why: 'Playwright and a browser are no dependency; the fixtures are driven as Playwright would',
  },
  {
    page: 'docs/model.md',
    begins: 'npm run model  ',
    by: 'test/model/revocation.cluster.test.ts',
    why: 'a minute: all promises and rules, which that test checks',
  },
  {
    page: 'docs/model.md',
    begins: 'npm run model -- --late',
    by: 'test/model/revocation.cluster.test.ts',
    why: 'ten times as many states as the others',
  },
  {
    page: 'docs/redis.md',
    begins: 'user sekisho on >PASSWORD',
    by: 'test/deploy/redis.redis.test.ts',
    why: 'the Redis suites run as that user, read from the page (test/support/redis-user.ts)',
  },
  {
    page: 'docs/operating.md',
    begins: 'synchronous_standby_names',
    why: 'settings of PostgreSQL for two standbys; tools/services/postgres-pair.mjs sets one up',
  },
  {
    page: 'docs/audit.md',
    begins: 'hash     =',
    by: 'test/conformance/record/trail.ts',
    why: 'the definition of what those suites verify',
  },
  {
    page: 'docs/audit.md',
    begins: '{"level":"info"',
    by: 'test/docs/shell.test.ts',
    why: 'held against a line of the server that signs',
  },
  {
    page: 'docs/audit.md',
    begins: '{"ok":',
    by: 'test/docs/shell.test.ts',
    why: 'held against what the command prints',
  },
  {
    page: 'docs/http.md',
    begins: '{',
    by: 'test/docs/shell.test.ts',
    why: 'sent to their routes',
  },
  {
    page: 'docs/model.md',
    begins: 'node 0 beats',
    by: 'test/docs/shell.test.ts',
    why: 'held against what npm run model prints',
  },
];

/** Whether `entry` speaks of that example. */
export function speaksOf({ page, begins }: Listed, { block, text }: Unit): boolean {
  return block.page.startsWith(page) && text.startsWith(begins);
}

/** Whether it stands in the list above. */
export function isListed(unit: Unit): boolean {
  return listed.some((entry) => speaksOf(entry, unit));
}

/** Pages that speak of several nodes all along, which their settings are exported for. */
export const ofNodes: readonly string[] = ['docs/cluster.md', 'docs/upgrading.md'];

/** Whether it needs PostgreSQL or Redis: then services.redis.test.ts runs it. */
export function needsServices({ page }: Block, text: string): boolean {
  return ofNodes.includes(page) || /\b(DATABASE_URL|REDIS_URL|databaseUrl|psql)\b/.test(text);
}

/** Whether the block shows what the shell block right before it prints. */
export function isAnswer(block: Block, previous: Block | undefined): boolean {
  const shows = ['', 'text', 'json'].includes(block.lang) && !isShell(block) && !isHelp(block);
  return shows && previous !== undefined && isShell(previous) && block.before.trim() === '';
}
