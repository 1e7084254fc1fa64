/**
 * One direction of a proxied connection: what arrives is written on in order, when the mode in force
 * lets it through. Nothing that got in is forgotten, except where the mode says that it is lost.
 */

/** Beyond this much held back, the sender is made to wait, as a network that is cut would. */
const holdBytes = 1_000_000;

/**
 * @typedef {{ bytes: Buffer, due: number } | { close: 'end' | 'reset', due: number }} Parcel
 */

/**
 * @typedef {object} Pace how a lane treats what it carries, at this moment
 * @property {'pass' | 'hold' | 'lose'} kind
 * @property {number} delayMs of what arrives now; order is kept
 */

/**
 * @typedef {object} Lane
 * @property {(bytes: Buffer) => void} push
 * @property {(how: 'end' | 'reset') => void} close passed on after what arrived before it
 * @property {() => void} settle to be called when the pace has changed
 * @property {() => boolean} hasLost whether some bytes will never arrive, so that the rest makes no sense
 * @property {() => void} stop
 */

/**
 * @param {import('node:net').Socket} source
 * @param {import('node:net').Socket} destination
 * @param {() => Pace} pace
 * @returns {Lane}
 */
export function createLane(source, destination, pace) {
  /** @type {Parcel[]} */
  const queue = [];
  let held = 0;
  let lastDue = 0;
  let lost = false;
  let full = false;
  /** @type {NodeJS.Timeout | undefined} */
  let timer;

  const regulate = () => {
    if (full || held > holdBytes) source.pause();
    else if (source.isPaused()) source.resume();
  };

  const flush = () => {
    clearTimeout(timer);
    for (let next = queue[0]; next !== undefined && !full; next = queue[0]) {
      const { kind } = pace();
      if (kind === 'hold') break;
      const waitMs = next.due - performance.now();
      if (waitMs > 0) {
        timer = setTimeout(flush, waitMs);
        break;
      }
      queue.shift();
      if ('close' in next) {
        if (kind === 'lose') continue;
        if (next.close === 'reset') resetSocket(destination);
        else destination.end();
        continue;
      }
      held -= next.bytes.length;
      if (kind === 'lose') lost = true;
      else if (destination.writable) full = !destination.write(next.bytes);
    }
    regulate();
  };

  /** @param {{ bytes: Buffer } | { close: 'end' | 'reset' }} parcel */
  const add = (parcel) => {
    lastDue = Math.max(lastDue, performance.now() + pace().delayMs);
    queue.push({ ...parcel, due: lastDue });
    flush();
  };

  destination.on('drain', () => {
    full = false;
    flush();
  });

  return {
    push(bytes) {
      held += bytes.length;
      add({ bytes });
    },
    close: (how) => add({ close: how }),
    settle: flush,
    hasLost: () => lost,
    stop() {
      clearTimeout(timer);
      queue.length = 0;
    },
  };
}

/**
 * Ends a connection by a reset, at once. Socket.resetAndDestroy() closes it in order first and resets
 * it then, so that the peer may see either. Where Node does not know the mark it is a plain close.
 * @param {import('node:net').Socket} socket
 */
export function resetSocket(socket) {
  if (!socket.connecting && !socket.destroyed) Object.assign(socket, { resetAndClosing: true });
  socket.destroy();
}
