/** Random numbers that a seed repeats, for loads that can be told apart and played again. */

/**
 * @typedef {object} Random
 * @property {number} seed
 * @property {() => number} next from 0 up to, and without, 1
 * @property {(share: number) => boolean} chance true in that share of the calls
 * @property {<T>(list: readonly T[]) => T | undefined} pick one of them; undefined when there is none
 */

/** @param {number} seed any whole number @returns {Random} */
export function createRandom(seed) {
  let state = seed >>> 0;
  // A Weyl sequence through a 32-bit mixer: every state comes once in 2^32 calls.
  const next = () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
  return {
    seed,
    next,
    chance: (share) => next() < share,
    pick: (list) => list[Math.floor(next() * list.length)],
  };
}
