/** An event as a stream has it. */
export interface ReadEvent {
  /** The `id:` of its frame; null when it has none. */
  readonly resume: string | null;
  readonly type: string;
  readonly data: { readonly id: string; readonly at: string } & Readonly<Record<string, unknown>>;
}

/** Reads a stream of server-sent events. */
export class StreamReader {
  /** Everything that came. */
  text = '';
  ended = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();

  constructor(response: Response) {
    if (response.body === null) throw new Error('no stream');
    this.#reader = response.body.getReader();
  }

  /** Reads until `isEnough` says so, or the stream has ended. */
  async until(isEnough: () => boolean): Promise<void> {
    while (!this.ended && !isEnough()) {
      const { done, value } = await this.#reader.read();
      this.ended = done;
      this.text += value === undefined ? '' : this.#decoder.decode(value, { stream: true });
    }
  }

  connected(): Promise<void> {
    return this.until(() => this.text.includes(': connected'));
  }

  /** Whole frames so far, as a browser would dispatch them. */
  get events(): readonly ReadEvent[] {
    return this.text
      .split('\n\n')
      .slice(0, -1)
      .flatMap((frame) => {
        const field = (name: string) =>
          frame
            .split('\n')
            .find((line) => line.startsWith(`${name}: `))
            ?.slice(name.length + 2) ?? null;
        const data = field('data');
        if (data === null) return [];
        return [{ resume: field('id'), type: field('event') ?? '', data: JSON.parse(data) }];
      });
  }

  /** What a browser would send as `Last-Event-ID`. */
  get lastId(): string | null {
    return [...this.text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? null;
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }
}
