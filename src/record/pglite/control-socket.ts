import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { isSekishoError } from '../../errors.ts';

/** Bytes of one message, at most: what comes through the socket is small. */
const MAX_LINE = 64 * 1024;

/** These prove that no process listens: a socket file without a listener, no file at all, a file that is no socket. */
const NOBODY = new Set(['ECONNREFUSED', 'ENOENT', 'ENOTSOCK']);

/** What the socket answers: a JSON value for a JSON value. A rejection is answered with `{ error }`, never a closed socket. */
export type Handle = (message: unknown) => unknown | Promise<unknown>;

/** A server that reads JSON values, one a line (newline-delimited JSON), and answers each with one, in order. */
export function createLineServer(handle: Handle): Server {
  return createServer((socket) => {
    socket.setEncoding('utf8');
    socket.on('error', () => socket.destroy());
    let rest = '';
    let last: Promise<void> = Promise.resolve();
    socket.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > MAX_LINE) {
        socket.destroy();
        return;
      }
      for (const line of lines) {
        last = last.then(async () => {
          const reply = await answer(handle, line);
          if (!socket.destroyed) socket.write(`${reply}\n`);
        });
      }
    });
  });
}

async function answer(handle: Handle, line: string): Promise<string> {
  try {
    const reply = await handle(JSON.parse(line));
    return JSON.stringify(reply ?? null);
  } catch (error) {
    // Only words that were meant to be read leave the process.
    return JSON.stringify({ error: isSekishoError(error) ? error.message : 'The command failed.' });
  }
}

/** What asking a socket came to. `dead`: nobody listens, for sure. `silent`: somebody does, or may, but did not answer. */
export type Asked =
  | { readonly kind: 'reply'; readonly reply: unknown }
  | { readonly kind: 'dead' }
  | { readonly kind: 'silent'; readonly why: string };

/** Sends one message to the socket at `path` and reads one reply. Never rejects. */
export function ask(path: string, message: unknown, timeoutMs: number): Promise<Asked> {
  return new Promise((resolve) => {
    const socket: Socket = createConnection({ path });
    let text = '';
    const done = (asked: Asked) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(asked);
    };
    const timer = setTimeout(() => done({ kind: 'silent', why: 'no answer' }), timeoutMs);
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write(`${JSON.stringify(message)}\n`));
    socket.on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end < 0) return;
      try {
        done({ kind: 'reply', reply: JSON.parse(text.slice(0, end)) });
      } catch {
        done({ kind: 'silent', why: 'an answer that is not JSON' });
      }
    });
    socket.on('close', () => done({ kind: 'silent', why: 'closed without an answer' }));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const dead = NOBODY.has(error.code ?? '');
      done(dead ? { kind: 'dead' } : { kind: 'silent', why: error.code ?? error.message });
    });
  });
}
