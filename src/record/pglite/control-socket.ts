import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { isSekishoError } from '../../errors.ts';

/** Bytes of one message, at most: what comes through the socket is small. */
const MAX_LINE = 64 * 1024;

/** These prove that no process listens: a socket file without a listener, no file at all, a file that is no socket. */
const NOBODY = new Set(['ECONNREFUSED', 'ENOENT', 'ENOTSOCK']);

/** While an answer is being worked on, how often the asking side hears that it is. */
const AT_WORK_EVERY_MS = 2_000;

/**
 * What the socket answers: a JSON value for a JSON value. A rejection is answered with `{ error }`, never a closed socket.
 * What is told to `onProgress` meanwhile reaches the asking side's.
 */
export type Handle = (
  message: unknown,
  onProgress: (progress: unknown) => void,
) => unknown | Promise<unknown>;

/**
 * A server that reads JSON values, one a line (newline-delimited JSON), and answers each with one, in order. Lines
 * `{"progress": …}` may come before the answer; null says that the work goes on.
 */
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
          const tell = (progress: unknown): void => {
            if (!socket.destroyed) socket.write(`${JSON.stringify({ progress })}\n`);
          };
          const atWork = setInterval(() => tell(null), AT_WORK_EVERY_MS);
          const reply = await answer(handle, line, tell);
          clearInterval(atWork);
          if (!socket.destroyed) socket.write(`${reply}\n`);
        });
      }
    });
  });
}

async function answer(
  handle: Handle,
  line: string,
  onProgress: (progress: unknown) => void,
): Promise<string> {
  try {
    const reply = await handle(JSON.parse(line), onProgress);
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

/**
 * Sends one message to the socket at `path` and reads the reply. Never rejects.
 *
 * @param timeoutMs how long the other side may be silent; each sign of work begins it anew.
 */
export function ask(
  path: string,
  message: unknown,
  timeoutMs: number,
  onProgress?: (progress: unknown) => void,
): Promise<Asked> {
  return new Promise((resolve) => {
    const socket: Socket = createConnection({ path });
    let text = '';
    const done = (asked: Asked) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(asked);
    };
    const timer = setTimeout(() => done({ kind: 'silent', why: 'no answer' }), timeoutMs);
    const take = (line: string): void => {
      try {
        const value: unknown = JSON.parse(line);
        const progress = progressIn(value);
        if (progress === undefined) done({ kind: 'reply', reply: value });
        else if (progress !== null) onProgress?.(progress);
        timer.refresh();
      } catch {
        done({ kind: 'silent', why: 'an answer that is not JSON' });
      }
    };
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write(`${JSON.stringify(message)}\n`));
    socket.on('data', (chunk: string) => {
      const lines = (text + chunk).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) take(line);
    });
    socket.on('close', () => done({ kind: 'silent', why: 'closed without an answer' }));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const dead = NOBODY.has(error.code ?? '');
      done(dead ? { kind: 'dead' } : { kind: 'silent', why: error.code ?? error.message });
    });
  });
}

function progressIn(value: unknown): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'progress')
    ? (value as { readonly progress: unknown }).progress
    : undefined;
}
