/** Exit code after a second signal: what was running was cut off. */
const EXIT_CUT = 1;

/** Resolves at the first SIGTERM or SIGINT; any further one ends the process at once. */
export function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let signalled = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (signalled) process.exit(EXIT_CUT);
      signalled = true;
      resolve(signal);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}
