import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { isSekishoError, SekishoError } from '../../errors.ts';

/**
 * Characters of one message, at most: all checkpoints of a large trail that somebody kept, several times over. Only the
 * owner of the directory can send one.
 */
const MAX_LINE = 16 * 1024 * 1024;

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
 * `{"progress": …}` may come before the answer; null says that the work goes on. A line that is too long is answered with
 * an error `payload_too_large`, and nothing of it is kept.
 *
 * @param maxLine in characters.
 */
export function createLineServer(handle: Handle, maxLine = MAX_LINE): Server {
  return createServer((socket) => {
    socket.setEncoding('utf8');
    socket.on('error', () => socket.destroy());
    const linesOf = createLineReader(maxLine);
    let last: Promise<void> = Promise.resolve();
    socket.on('data', (chunk: string) => {
      for (const line of linesOf(chunk)) {
        last = last.then(async () => {
          const tell = (progress: unknown): void => {
            if (!socket.destroyed) socket.write(`${JSON.stringify({ progress })}\n`);
          };
          const atWork = setInterval(() => tell(null), AT_WORK_EVERY_MS);
          const reply = line === null ? TOO_LONG : await answer(handle, line, tell);
          clearInterval(atWork);
          if (!socket.destroyed) socket.write(`${reply}\n`);
        });
      }
    });
  });
}

/** Takes lines out of chunks; null for one that has more than `maxLine` characters. */
function createLineReader(maxLine: number): (chunk: string) => readonly (string | null)[] {
  let parts: string[] = [];
  let length = 0;
  function take(part: string): void {
    length += part.length;
    if (length > maxLine) parts = [];
    else parts.push(part);
  }
  return (chunk) => {
    const lines: (string | null)[] = [];
    let from = 0;
    for (let to = chunk.indexOf('\n'); to >= 0; to = chunk.indexOf('\n', from)) {
      take(chunk.slice(from, to));
      lines.push(length > maxLine ? null : parts.join(''));
      parts = [];
      length = 0;
      from = to + 1;
    }
    take(chunk.slice(from));
    return lines;
  };
}

const TOO_LONG_WORDS = `The command is too large for a running server, which takes ${MAX_LINE / 1024 / 1024} MiB of it: give it less at once.`;
const TOO_LONG = JSON.stringify({ error: { code: 'payload_too_large', message: TOO_LONG_WORDS } });

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
 * Sends one message to the socket at `path` and reads the reply.
 *
 * @param timeoutMs how long the other side may be silent; each sign of work begins it anew.
 * @throws SekishoError `payload_too_large`; and what `onProgress` throws, which ends the waiting.
 */
export function ask(
  path: string,
  message: unknown,
  timeoutMs: number,
  onProgress?: (progress: unknown) => void,
): Promise<Asked> {
  const sending = JSON.stringify(message);
  if (sending.length > MAX_LINE) {
    return Promise.reject(new SekishoError('payload_too_large', TOO_LONG_WORDS));
  }
  return new Promise((resolve, reject) => {
    const socket: Socket = createConnection({ path });
    let over = false;
    const end = (): void => {
      over = true;
      clearTimeout(timer);
      socket.destroy();
    };
    const done = (asked: Asked): void => {
      end();
      resolve(asked);
    };
    const timer = setTimeout(() => done({ kind: 'silent', why: 'no answer' }), timeoutMs);
    const take = (line: string): void => {
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch {
        done({ kind: 'silent', why: 'an answer that is not JSON' });
        return;
      }
      timer.refresh();
      const progress = progressIn(value);
      if (progress === undefined) done({ kind: 'reply', reply: value });
      else if (progress !== null) onProgress?.(progress);
    };
    // An answer may be as large as it has to be: it is the holder's, who is believed.
    const linesOf = createLineReader(Number.POSITIVE_INFINITY);
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write(`${sending}\n`));
    socket.on('data', (chunk: string) => {
      try {
        for (const line of linesOf(chunk)) if (!over) take(line ?? '');
      } catch (error) {
        // The caller's own, out of `onProgress`.
        end();
        reject(error);
      }
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
