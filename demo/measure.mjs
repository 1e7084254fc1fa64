/** The two latencies of a check: through HTTP, and inside the process that serves the API. */
import { createSekisho } from '../dist/index.js';

const REQUESTS = 2000;
const CHECKS = 20_000;
/** Checks a sample: one alone is shorter than a clock's tick. */
const BATCH = 10;

/**
 * @param {string} origin
 * @param {string} token
 * @returns {Promise<number[]>} milliseconds a request, sorted
 */
export async function throughHttp(origin, token) {
  const headers = { authorization: `Bearer ${token}` };
  const samples = [];
  for (let request = 0; request < REQUESTS; request += 1) {
    const start = performance.now();
    const response = await fetch(`${origin}/v1/authenticate`, { headers });
    await response.arrayBuffer();
    samples.push(performance.now() - start);
    if (response.status !== 200) throw new Error(`authenticate answered ${response.status}`);
  }
  return samples.slice(REQUESTS / 10).sort((a, b) => a - b);
}

/**
 * Opens the directory in this process, as a product does that embeds Sekisho.
 * @param {string} directory
 * @param {string} token
 */
export async function perCheck(directory, token) {
  const sekisho = await createSekisho({ dataDir: directory, logLevel: 'error' });
  try {
    const { sessionId } = await sekisho.authenticate(token);
    const samples = [];
    for (let sample = 0; sample < CHECKS / BATCH; sample += 1) {
      const start = performance.now();
      for (let check = 0; check < BATCH; check += 1) await sekisho.authenticate(token);
      samples.push((performance.now() - start) / BATCH);
    }
    return { known: sessionId, checks: samples.slice(samples.length / 10).sort((a, b) => a - b) };
  } finally {
    await sekisho.close();
  }
}
