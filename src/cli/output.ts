/** What a command leaves on standard output: lines for people, or with `--json` one line for programs. */
export function print(json: boolean, value: unknown, lines: readonly string[]): void {
  process.stdout.write(
    json ? `${JSON.stringify(value)}\n` : lines.map((line) => `${line}\n`).join(''),
  );
}

/** One line on standard error. */
export function complain(message: string): void {
  process.stderr.write(`sekisho: ${message.replaceAll(/\s*\n\s*/g, ' ')}\n`);
}
