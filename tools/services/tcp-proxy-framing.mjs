/**
 * How the proxy finds whole messages in a stream. Each protocol cuts what it gets into units that may
 * be passed on singly; the plain one takes chunks as they come.
 *
 * @typedef {object} Published a message that somebody published and this connection subscribed to
 * @property {string} channel
 * @property {Buffer} payload
 *
 * @typedef {object} ServerUnit
 * @property {Buffer} bytes
 * @property {Published} [published]
 * @property {boolean} [ready] an answer ends here
 *
 * @typedef {object} ClientUnit
 * @property {Buffer} bytes
 * @property {string} [statement] what is asked to be executed
 * @property {boolean} [asks] an answer will come to this unit
 *
 * @typedef {object} Framing
 * @property {(chunk: Buffer) => ClientUnit[]} fromClient
 * @property {(chunk: Buffer) => ServerUnit[]} fromServer
 * @property {(published: Published) => Buffer | undefined} forge the message as the server would send it;
 *   undefined when this connection did not subscribe to its channel
 * @property {() => string} name what the client calls itself (CLIENT SETNAME, application_name)
 */

/** @returns {Framing} */
export function plainFraming() {
  return {
    fromClient: (bytes) => [{ bytes }],
    fromServer: (bytes) => [{ bytes }],
    forge: () => undefined,
    name: () => '',
  };
}

/**
 * Cuts a stream into frames. `frameEnd` tells where the frame that begins at an offset ends, or -1
 * when it has not arrived whole. What cannot be understood is passed on as it is, from there on.
 * @param {(buffer: Buffer, offset: number) => number} frameEnd throws on what is no frame
 * @returns {(chunk: Buffer) => { bytes: Buffer, framed: boolean }[]}
 */
export function cutIntoFrames(frameEnd) {
  /** @type {Buffer} */
  let rest = Buffer.alloc(0);
  let opaque = false;
  return (chunk) => {
    if (opaque) return [{ bytes: chunk, framed: false }];
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const frames = [];
    try {
      for (let end = frameEnd(rest, 0); end > 0; end = frameEnd(rest, 0)) {
        frames.push({ bytes: rest.subarray(0, end), framed: true });
        rest = rest.subarray(end);
      }
    } catch {
      opaque = true;
      frames.push({ bytes: rest, framed: false });
    }
    return frames;
  };
}
