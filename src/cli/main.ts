#!/usr/bin/env node
import { run } from './run.ts';

// Each write hears of its own failure; without a listener the process would end with a stack.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

const code = await run(process.argv.slice(2), process.env);
// An answer that could not be written has set it.
process.exitCode ??= code;
