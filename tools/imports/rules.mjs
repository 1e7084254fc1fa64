/**
 * Who may import whom inside src/. The first rule whose `files` match a file is that file's; a file
 * without a rule is an error. Patterns are globs with `*` (within a folder) and `**`; `{folder}`
 * stands for what `*` matched in `files`. `values` may be imported in any way, `types` only with
 * `import type`.
 *
 * @typedef {object} Rule
 * @property {string} name
 * @property {string} because one sentence, printed with each violation
 * @property {string[]} files
 * @property {string[]} values
 * @property {string[]} [types]
 *
 * @typedef {object} ReachRule
 * @property {string} name
 * @property {string} because one sentence, printed with each violation
 * @property {string[]} from files with which nothing of `never` is loaded
 * @property {string[]} never files and packages
 */

/** The words everything is said in: they depend on nothing of ours. */
const ground = [
  'src/errors.ts',
  'src/clock.ts',
  'src/id.ts',
  'src/log-level.ts',
  'src/public-url.ts',
];

/** How work comes round, for whoever has some. */
const rounds = ['src/rounds.ts'];

/** What a store, a transport or a log promises, and the shapes it speaks of. */
const contracts = [
  'src/record/contract.ts',
  'src/record/attempt-contract.ts',
  'src/record/log-contract.ts',
  'src/record/session-contract.ts',
  'src/record/backup-contract.ts',
  'src/record/client-contract.ts',
  'src/record/cleanup-contract.ts',
  'src/record/operations-contract.ts',
  'src/record/shapes.ts',
  'src/record/sweep-contract.ts',
  'src/record/trail-contract.ts',
  'src/record/backup-contract.ts',
  'src/record/database.ts',
  'src/hub/contract.ts',
  'src/hub/seen-contract.ts',
  'src/observe/log.ts',
];

/** Pure: they take time, randomness and stores as arguments. */
const concepts = ['src/token/**', 'src/tenant/**', 'src/revocation/**', 'src/login/**'];

const useCases = ['src/session/**', 'src/audit/**'];

/** @type {Rule[]} */
export const rules = [
  {
    name: 'ground',
    because:
      'errors, clock, id, levels of a log and the rules for URLs are the ground that everything stands on: they import nothing.',
    files: ground,
    values: [],
  },
  {
    name: 'rounds',
    because: 'How work comes round knows the clock, and nothing of what is done.',
    files: rounds,
    values: ground,
  },
  {
    name: 'config',
    because: 'Settings are read once at the edge; they know the shapes they set and nothing else.',
    files: ['src/config.ts', 'src/config/**'],
    values: [...ground, 'src/config/**'],
    types: [...concepts, ...contracts],
  },
  {
    name: 'contracts',
    because: 'A contract speaks of shapes only, so that every implementation can stand behind it.',
    files: [...contracts],
    values: ground,
    types: [...contracts, ...concepts, 'src/audit/types.ts'],
  },
  {
    name: 'concepts',
    because: 'Pure concepts import each other and the ground; stores are known as contracts only.',
    files: concepts,
    values: [...concepts, ...ground],
    types: [...contracts, 'src/audit/types.ts'],
  },
  {
    name: 'use cases',
    because: 'Use cases join concepts with contracts, and never learn which store is behind one.',
    files: useCases,
    values: [...useCases, ...concepts, ...contracts, ...rounds, ...ground],
    types: ['src/config.ts', 'src/config/**'],
  },
  {
    name: 'record',
    because: 'A record implements its contract: it borrows shapes from the concepts, no behaviour.',
    files: ['src/record/**'],
    values: ['src/record/**', ...contracts, ...ground],
    types: [...concepts, 'src/audit/types.ts'],
  },
  {
    name: 'hub',
    because: 'Each hub stands alone behind the contract: no hub imports another one.',
    files: ['src/hub/*/**'],
    values: ['src/hub/{folder}/**', 'src/hub/*.ts', ...contracts, ...ground],
    types: [...concepts],
  },
  {
    name: 'hub, shared',
    because: 'What all hubs share knows none of them.',
    files: ['src/hub/*.ts'],
    values: ['src/hub/*.ts', ...contracts, ...ground],
    types: [...concepts],
  },
  {
    name: 'http',
    because: 'Routes call use cases; a route that reaches a store by itself escapes their checks.',
    files: ['src/http/**'],
    values: ['src/http/**', 'src/observe/**', ...useCases, ...concepts, ...ground],
    types: ['src/config.ts', 'src/config/**', ...contracts],
  },
  {
    name: 'observe',
    because: 'Metrics, traces and logs look at use cases from outside.',
    files: ['src/observe/**'],
    values: ['src/observe/**', ...useCases, ...concepts, ...ground],
    types: ['src/config.ts', 'src/config/**', ...contracts],
  },
  {
    name: 'adapter',
    because: 'Adapters are thin glue over the use cases and the HTTP surface, each by itself.',
    files: ['src/adapter/*/**'],
    values: ['src/adapter/{folder}/**', 'src/adapter/*.ts', 'src/http/**', ...useCases, ...ground],
    types: ['src/create.ts', 'src/config.ts', ...concepts],
  },
  {
    name: 'adapter, shared',
    because: 'Adapters are thin glue over the use cases and the HTTP surface.',
    files: ['src/adapter/*.ts'],
    values: ['src/adapter/*.ts', 'src/http/**', ...useCases, ...ground],
    types: ['src/create.ts', 'src/config.ts', ...concepts],
  },
  {
    name: 'client',
    because: 'The client runs in browsers and depends on nothing of the rest.',
    files: ['src/client/**'],
    values: ['src/client/**'],
    types: ['src/errors.ts'],
  },
  {
    name: 'composition root',
    because: 'Here, and nowhere else, a concrete record and a concrete hub are chosen.',
    files: ['src/create.ts', 'src/create/**', 'src/cli/**', 'src/testing.ts', 'src/testing/**'],
    values: ['src/**'],
  },
  {
    name: 'public surface',
    because: 'Entry points name what is public; stores are reached through the composition root.',
    files: ['src/index.ts', 'src/node.ts'],
    values: ['src/create.ts', 'src/config.ts', 'src/http/**', ...useCases, ...concepts, ...ground],
    types: ['src/**'],
  },
];

/**
 * Packages that only some folders may import, so that replacing one stays a small change. Any other
 * package needs nothing but to be among the dependencies.
 * @type {{ packages: string[], files: string[], because: string }[]}
 */
export const packageRules = [
  {
    packages: ['pg', 'kysely', '@electric-sql/pglite'],
    files: ['src/record/**', 'src/hub/postgres/**'],
    because: 'SQL and its drivers stay in the record.',
  },
  {
    packages: ['ioredis'],
    files: ['src/hub/redis/**'],
    because: 'Redis is one of several hubs, and never more than that.',
  },
  {
    packages: ['hono', '@hono/node-server'],
    files: ['src/http/**', 'src/adapter/**', 'src/cli/**', 'src/create.ts', 'src/create/**'],
    because: 'The core knows no web framework.',
  },
  {
    packages: ['jose'],
    files: ['src/token/**'],
    because: 'JOSE stays behind the token concept, so that algorithms are chosen in one place.',
  },
  {
    packages: ['@node-rs/argon2'],
    files: ['src/login/**'],
    because: 'Password hashing happens in one place.',
  },
  {
    packages: ['prom-client', 'pino'],
    files: ['src/observe/**'],
    because: 'Everything else measures and logs through observe.',
  },
];

/** What an instance needs as soon as it is made, or opened. */
const engine = [
  'src/create/instance.ts',
  'src/create/open.ts',
  'src/http/table.ts',
  'src/record/sql-record.ts',
  ...['hono', '@hono/node-server', 'ws', 'pino', 'prom-client', '@node-rs/argon2', 'kysely'],
];

const redis = ['ioredis', 'src/hub/redis/connect.ts', 'src/hub/redis/scripts.ts'];
const postgres = ['pg', 'src/record/postgres/**', 'src/hub/postgres/**'];
const pglite = ['@electric-sql/pglite', 'src/record/pglite/open.ts', 'src/record/pglite/image.ts'];

/**
 * What is not used is not loaded: a database's driver with the record that it opens, the engine with the command that opens
 * one. Whoever uses more says `await import()` where it begins.
 * @type {ReachRule[]}
 */
export const reachRules = [
  {
    name: 'the help',
    because: 'One command line needs the commands of one group at most.',
    from: ['src/cli/main.ts'],
    never: ['src/cli/commands/**', 'src/config.ts', 'zod', 'jose', ...engine],
  },
  {
    name: 'a command',
    because: 'Whoever asks a running server, or for help, needs no engine and no store.',
    from: ['src/cli/commands/**'],
    never: [...engine, ...redis, ...postgres, ...pglite],
  },
  {
    name: 'an instance',
    because: 'The record and the hub that the settings name are loaded when they are opened.',
    from: ['src/index.ts', 'src/adapter/node/index.ts', 'src/cli/server/serve.ts'],
    never: [...redis, ...postgres, ...pglite],
  },
  {
    name: 'an instance for tests',
    because: 'Its record is in memory, and its hub in the process.',
    from: ['src/testing/index.ts'],
    never: [...redis, ...postgres],
  },
  {
    name: 'the embedded record',
    because: 'It needs no server, and no driver of one.',
    from: ['src/record/pglite/open.ts'],
    never: [...redis, ...postgres],
  },
  {
    name: 'the record on PostgreSQL',
    because: 'The embedded database is another one, and Redis a hub of its own.',
    from: ['src/record/postgres/open.ts', 'src/hub/postgres/hub.ts'],
    never: [...redis, ...pglite],
  },
  {
    name: 'the hub on Redis',
    because: 'Which record is beside it is none of its business.',
    from: ['src/create/redis.ts'],
    never: [...postgres, ...pglite],
  },
];
