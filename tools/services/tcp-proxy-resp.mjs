/** Redis' RESP2 and RESP3, as far as whole frames and published messages go. */
import { cutIntoFrames } from './tcp-proxy-framing.mjs';

const crlf = Buffer.from('\r\n');

/** @returns {import('./tcp-proxy-framing.mjs').Framing} */
export function respFraming() {
  /** Channel or pattern subscribed to, with the first byte of the confirmation: `*` or, RESP3, `>`.
   * @type {Map<string, { verb: string, mark: string }>} */
  const subscribed = new Map();
  let name = '';
  const cutClient = cutIntoFrames(frameEnd);
  const cutServer = cutIntoFrames(frameEnd);

  return {
    fromClient: (chunk) =>
      cutClient(chunk).map(({ bytes, framed }) => {
        if (!framed) return { bytes };
        const words = wordsOf(bytes);
        const command = words.slice(0, 2).join(' ').toUpperCase();
        if (command === 'CLIENT SETNAME') name = words[2]?.toString() ?? '';
        return { bytes, asks: true, statement: words.join(' ') };
      }),
    fromServer: (chunk) =>
      cutServer(chunk).map(({ bytes, framed }) => {
        if (!framed) return { bytes };
        const words = wordsOf(bytes);
        const verb = words[0]?.toString() ?? '';
        const channel = words.at(-2)?.toString() ?? '';
        const payload = words.at(-1);
        if (/^[ps]?subscribe$/.test(verb)) {
          const subscribedTo = words[1]?.toString() ?? '';
          subscribed.set(subscribedTo, { verb, mark: bytes.toString('latin1', 0, 1) });
        } else if (/^[ps]?unsubscribe$/.test(verb)) {
          subscribed.delete(words[1]?.toString() ?? '');
        } else if (/^[ps]?message$/.test(verb) && subscribed.size > 0 && payload !== undefined) {
          return { bytes, published: { channel, payload } };
        }
        return { bytes, ready: !bytes.subarray(0, 1).equals(Buffer.from('>')) };
      }),
    forge({ channel, payload }) {
      const way = subscribed.get(channel);
      if (way === undefined || way.verb === 'psubscribe') return undefined;
      const verb = way.verb === 'ssubscribe' ? 'smessage' : 'message';
      /** @type {Buffer[]} */
      const parts = [Buffer.from(`${way.mark}3\r\n`)];
      for (const word of [Buffer.from(verb), Buffer.from(channel), payload]) {
        parts.push(Buffer.from(`$${word.length}\r\n`), word, crlf);
      }
      return Buffer.concat(parts);
    },
    name: () => name,
  };
}

/**
 * Where the RESP frame at `offset` ends; -1 when more has to arrive.
 * @param {Buffer} buffer @param {number} offset @returns {number}
 */
export function frameEnd(buffer, offset) {
  if (offset >= buffer.length) return -1;
  const type = buffer.toString('latin1', offset, offset + 1);
  if (!'+-:_#,($!=*~>%|'.includes(type)) throw new Error(`no frame of RESP begins with ${type}`);
  const lineEnd = buffer.indexOf(crlf, offset);
  if (lineEnd < 0) return -1;
  const after = lineEnd + crlf.length;
  if ('+-:_#,('.includes(type)) return after;
  const count = Number(buffer.toString('latin1', offset + 1, lineEnd));
  if (!Number.isInteger(count)) throw new Error('a frame without a count');
  if ('$!='.includes(type)) {
    if (count < 0) return after;
    const end = after + count + crlf.length;
    return end <= buffer.length ? end : -1;
  }
  let end = after;
  // An attribute stands before the value it belongs to, and goes with it.
  const elements = type === '%' ? 2 * count : type === '|' ? 2 * count + 1 : count;
  for (let element = 0; element < elements && end > 0; element += 1) end = frameEnd(buffer, end);
  return end;
}

/** The bulk and simple strings directly inside an array or push; other elements are left out.
 * @param {Buffer} frame @returns {Buffer[]} */
function wordsOf(frame) {
  if (!'*>'.includes(frame.toString('latin1', 0, 1))) return [];
  const words = [];
  let offset = frame.indexOf(crlf) + crlf.length;
  while (offset < frame.length) {
    const end = frameEnd(frame, offset);
    const type = frame.toString('latin1', offset, offset + 1);
    const lineEnd = frame.indexOf(crlf, offset) + crlf.length;
    if (type === '$' && lineEnd < end) words.push(frame.subarray(lineEnd, end - crlf.length));
    if (type === '+') words.push(frame.subarray(offset + 1, end - crlf.length));
    offset = end;
  }
  return words;
}
