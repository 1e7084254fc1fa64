import type { Engine } from '../session/contract.ts';
import { createHttpApp, type PeerInfo } from './app.ts';
import type { HttpOptions } from './settings.ts';

/** Answers one request; never rejects. */
export type FetchHandler = (request: Request, info: PeerInfo) => Promise<Response>;

/** The HTTP surface as one function, for those who need nothing else of it. */
export function createFetchHandler(engine: Engine, options: HttpOptions = {}): FetchHandler {
  return createHttpApp(engine, options).handle;
}
