/** Exit code after a second signal: what was running was cut off. */
const EXIT_CUT = 1;
/**
 * Signals so shortly after the first are that one, passed on: a terminal sends Ctrl-C to everybody in its foreground, and npm
 * hands on what it got itself. Nobody asks for something twice so fast.
 */
const SAME_MS = 500;

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once. */
export function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let firstMs: number | null = null;
    const onSignal = (signal: NodeJS.Signals): void => {
      const nowMs = performance.now();
      if (firstMs !== null && nowMs - firstMs > SAME_MS) process.exit(EXIT_CUT);
      firstMs ??= nowMs;
      resolve(signal);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}
