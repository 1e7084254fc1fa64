/** Of a WebSocket what is used here: the browser's, Node's, and that of `ws` have it. */
export interface SocketLike {
  readonly readyState: number;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  // biome-ignore lint/suspicious/noExplicitAny: the three declare their events differently
  addEventListener(type: any, listener: (event: any) => void): void;
}

/** What makes one: the global `WebSocket`, or that of `ws`. */
export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;
