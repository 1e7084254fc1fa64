/** One line: what happened, and what lies beneath it. A stack of an outage tells nothing of it. */
export function reasonOf(error: unknown): string {
  const lines: string[] = [];
  for (let one = error; one instanceof Error && lines.length < 4; one = one.cause) {
    const { code } = one as { code?: unknown };
    // Errors of several addresses at once say nothing but their code.
    const line = one.message === '' ? String(code ?? one.name) : one.message;
    if (!lines.includes(line)) lines.push(line);
  }
  return lines.join(' ') || String(error);
}
