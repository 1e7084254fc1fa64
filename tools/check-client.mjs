/**
 * Checks `sekisho/client` as a browser gets it: bundled, it has nothing of the server, nothing of Node, stays small, and
 * works where there is nothing but a browser's globals.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'dist/client/');
/** Bytes, minified and compressed, that a page pays for it. */
const budget = 5 * 1024;

/** @param {'esm' | 'iife'} format @param {boolean} minify */
async function bundled(format, minify) {
  const build = await rolldown({
    input: join(folder, 'index.js'),
    platform: 'browser',
    logLevel: 'silent',
  });
  const { output } = await build.generate({ format, minify, name: 'client' });
  await build.close();
  const [chunk, ...more] = output;
  if (more.length > 0) throw new Error(`the client is more than one file: ${output.length}`);
  return chunk;
}

/** The globals of a page, without those that only Node has. */
function page() {
  const names = ['fetch', 'URL', 'URLSearchParams', 'AbortController', 'AbortSignal', 'Headers'];
  const more = ['Request', 'Response', 'Blob', 'FormData', 'setTimeout', 'clearTimeout'];
  const known = [...names, ...more, 'queueMicrotask'].map((name) => [
    name,
    Reflect.get(globalThis, name),
  ]);
  const href = 'https://app.example.com/orders';
  return { ...Object.fromEntries(known), location: { href }, document: {}, navigator: {} };
}

/** @param {string} code */
async function worksInAPage(code) {
  /** @type {string[]} */
  const asked = [];
  const context = page();
  const answer = { code: 'credentials_required', detail: 'Log in.' };
  const type = 'application/problem+json';
  context.fetch = async (/** @type {string} */ url, /** @type {RequestInit} */ init) => {
    asked.push(`${init.method} ${url} ${init.credentials}`);
    return new Response(JSON.stringify(answer), { status: 401, headers: { 'content-type': type } });
  };
  runInNewContext(code, context);
  const { createClient } = Reflect.get(context, 'client');
  const client = createClient({ baseUrl: '/auth' });
  const session = await client.session();
  const expected = 'GET https://app.example.com/auth/v1/session include';
  if (session !== null || asked.join() !== expected) {
    throw new Error(`in a page the client asked for ${asked.join()}, not ${expected}`);
  }
}

try {
  const { code, imports, moduleIds } = await bundled('esm', true);
  const foreign = moduleIds.filter((id) => !id.startsWith(folder) && !id.startsWith('\0'));
  if (foreign.length > 0) throw new Error(`the client brings along ${foreign.join(', ')}`);
  if (imports.length > 0) throw new Error(`the client imports ${imports.join(', ')}`);
  const node = /\b(process|Buffer|require|__dirname|global)\b(?=[.[(])|node:/.exec(code);
  if (node !== null) throw new Error(`the client speaks of ${node[0]}, which no browser has`);
  const compressed = gzipSync(code, { level: 9 }).length;
  if (compressed > budget) {
    throw new Error(`the client has ${compressed} bytes compressed, more than ${budget}`);
  }
  await worksInAPage((await bundled('iife', true)).code);
  console.log(`client: ${code.length} bytes, ${compressed} compressed, of ${budget}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
