import { SekishoError } from '../errors.ts';

/** Longest request body, in bytes. */
const MAX_BODY_BYTES = 64 * 1024;

/**
 * Reads a request's body, however it is sent, and stops at the first byte too many.
 *
 * @returns the bytes; empty when there is no body.
 * @throws SekishoError `payload_too_large` beyond 64 KiB, `invalid_request` when the sender broke off.
 */
export async function readBody(request: Request): Promise<Uint8Array> {
  if (request.body === null) return new Uint8Array(0);
  const announced = Number(request.headers.get('content-length') ?? 0);
  if (announced > MAX_BODY_BYTES) throw tooLarge();
  const reader = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw new SekishoError('invalid_request', 'The body broke off.', { cause });
    });
    if (done) return Buffer.concat(chunks);
    size += value.byteLength;
    if (size > MAX_BODY_BYTES) {
      // Nobody waits for the rest; a sender that goes on is the connection's business.
      reader.cancel().catch(() => {});
      throw tooLarge();
    }
    chunks.push(value);
  }
}

/**
 * @throws SekishoError `unsupported_media_type` unless the body is declared as JSON in UTF-8, and not compressed. A body
 *   of another type is never guessed at: `text/plain` is what a foreign page can send without asking (ASVS 3.5.2).
 */
export function requireJson(headers: Headers): void {
  if (mediaTypeOf(headers) === 'application/json') return;
  throw new SekishoError('unsupported_media_type', 'Send JSON as application/json, in UTF-8.');
}

/** The media type of a body in UTF-8 that is not compressed; null for any other. */
export function mediaTypeOf(headers: Headers): string | null {
  const [type = '', ...parameters] = (headers.get('content-type') ?? '').toLowerCase().split(';');
  const charset = parameters.map((one) => one.trim()).find((one) => one.startsWith('charset='));
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset);
  const coding = headers.get('content-encoding')?.toLowerCase() ?? 'identity';
  return isUtf8 && coding === 'identity' ? type.trim() : null;
}

function tooLarge(): SekishoError {
  return new SekishoError('payload_too_large', `At most ${MAX_BODY_BYTES} bytes.`);
}
