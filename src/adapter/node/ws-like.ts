/** What a message comes as. */
export type SocketBytes = Buffer | ArrayBuffer | Buffer[];

/** Of a socket of `ws` what is used here: whoever has this package has `ws`, but not the types of it. */
export interface WsLike {
  readonly readyState: number;
  readonly OPEN: number;
  /** Bytes that were sent and are still in this process. */
  readonly bufferedAmount: number;
  on(event: 'message', listener: (data: SocketBytes, isBinary: boolean) => void): unknown;
  once(event: 'close', listener: () => void): unknown;
  send(data: string | Uint8Array): void;
  resume(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}
