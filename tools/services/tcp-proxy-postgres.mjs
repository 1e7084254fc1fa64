/**
 * PostgreSQL's protocol 3, as far as whole messages, notifications and the statements that begin go.
 * A connection that turns to TLS is passed on unseen.
 */
import { cutIntoFrames } from './tcp-proxy-framing.mjs';

const tlsRequest = 80877103;
const gssRequest = 80877104;
const cancelRequest = 80877102;

/** @returns {import('./tcp-proxy-framing.mjs').Framing} */
export function postgresFraming() {
  let started = false;
  let asked = false;
  let unseen = false;
  let name = '';
  let serverPid = 0;
  /** @type {Map<string, string>} prepared statements by name */
  const prepared = new Map();
  /** @type {Set<string>} */
  const listening = new Set();

  const cutClient = cutIntoFrames((buffer, offset) => {
    if (unseen) throw new Error('encrypted');
    if (started) return typedEnd(buffer, offset);
    return buffer.length < offset + 8 ? -1 : lengthEnd(buffer, offset);
  });
  const cutServer = cutIntoFrames((buffer, offset) => {
    if (unseen) throw new Error('encrypted');
    if (!asked || buffer.length === 0) return typedEnd(buffer, offset);
    // The one answer without a length: whether TLS (or GSS encryption) follows.
    unseen = buffer.toString('latin1', offset, offset + 1) !== 'N';
    if (unseen) throw new Error('encrypted');
    asked = false;
    return offset + 1;
  });

  /** @param {Buffer} bytes @returns {import('./tcp-proxy-framing.mjs').ClientUnit} */
  const first = (bytes) => {
    const code = bytes.readUInt32BE(4);
    if (code === tlsRequest || code === gssRequest) {
      asked = true;
    } else if (code !== cancelRequest) {
      started = true;
      const words = bytes.toString('utf8', 8).split('\0');
      const at = words.indexOf('application_name');
      name = at < 0 ? '' : (words[at + 1] ?? '');
    }
    return { bytes };
  };

  /** @param {string} statement */
  const heard = (statement) => {
    for (const part of statement.split(';')) {
      const listen = /^\s*(un)?listen\s+(?:"([^"]+)"|(\w+))/i.exec(part);
      const channel = listen?.[2] ?? listen?.[3]?.toLowerCase();
      if (channel === undefined) continue;
      if (listen?.[1]) listening.delete(channel);
      else listening.add(channel);
    }
    return statement;
  };

  return {
    fromClient: (chunk) =>
      cutClient(chunk).map(({ bytes, framed }) => {
        if (!framed) unseen = true;
        if (!framed) return { bytes };
        if (!started) return first(bytes);
        const type = bytes.toString('latin1', 0, 1);
        const words = 'QPB'.includes(type) ? bytes.toString('utf8', 5).split('\0', 2) : [];
        if (type === 'Q') return { bytes, asks: true, statement: heard(words[0] ?? '') };
        if (type === 'P') prepared.set(words[0] ?? '', words[1] ?? '');
        if (type !== 'B') return { bytes, asks: type === 'S' };
        return { bytes, statement: heard(prepared.get(words[1] ?? '') ?? '') };
      }),
    fromServer: (chunk) =>
      cutServer(chunk).map(({ bytes, framed }) => {
        const type = framed && bytes.length > 1 ? bytes.toString('latin1', 0, 1) : '';
        if (type === 'K') serverPid = bytes.readUInt32BE(5);
        if (type !== 'A') return { bytes, ready: type === 'Z' };
        const channelEnd = bytes.indexOf(0, 9);
        const channel = bytes.toString('utf8', 9, channelEnd);
        const payload = bytes.subarray(channelEnd + 1, bytes.length - 1);
        return { bytes, published: { channel, payload } };
      }),
    forge({ channel, payload }) {
      if (!listening.has(channel)) return undefined;
      const body = Buffer.concat([Buffer.from(`${channel}\0`), payload, Buffer.from([0])]);
      const head = Buffer.alloc(9);
      head.write('A', 'latin1');
      head.writeUInt32BE(body.length + 8, 1);
      head.writeUInt32BE(serverPid, 5);
      return Buffer.concat([head, body]);
    },
    name: () => name,
  };
}

/** @param {Buffer} buffer @param {number} offset */
function typedEnd(buffer, offset) {
  return buffer.length < offset + 5 ? -1 : lengthEnd(buffer, offset + 1);
}

/** The length counts itself. @param {Buffer} buffer @param {number} at where it stands */
function lengthEnd(buffer, at) {
  const length = buffer.readUInt32BE(at);
  if (length < 4) throw new Error('a message shorter than its own length');
  return at + length <= buffer.length ? at + length : -1;
}
