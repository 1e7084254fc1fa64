import type { Sekisho } from '../create/sekisho.ts';
import { newId } from '../id.ts';
import type { Origin, TokenPair } from '../session/contract.ts';
import { type BrowserCookie, browserCookies } from './browser.ts';

/** How somebody logs in. */
export interface TestLoginOptions {
  /** Name of the device, as its owner sees it in the list. Default `Test device`. */
  readonly device?: string;
  /** How they proved who they are (RFC 8176). Default `['pwd']`. */
  readonly amr?: readonly string[];
  /** Where from. Default: not known. */
  readonly ip?: string;
  /** Default: none. */
  readonly userAgent?: string;
}

/** Somebody who is logged in, on one device. */
export interface TestLogin {
  readonly tenantId: string;
  readonly userId: string;
  readonly sessionId: string;
  readonly accessToken: string;
  /** For a client under test; `refresh` uses it up. */
  readonly refreshToken: string;
  /** For an API: `{ authorization: 'Bearer …' }`. */
  readonly headers: { readonly authorization: string };
  /** For pages: the `Cookie` header of a browser, over https or to a loopback name. */
  readonly cookie: string;
  /** The same as a browser keeps it, for the site of `url`. */
  cookies(url: string): readonly BrowserCookie[];
  /** Refreshes, as a client does when its access token has ended. @throws SekishoError as `Logins.refresh`. */
  refresh(): Promise<TestLogin>;
  /** Ends this session. @throws SekishoError as `Logins.logout`. */
  logout(): Promise<void>;
}

/** The instance that people log in to. */
export interface World {
  readonly sekisho: Sekisho;
  /** A moment passes: two logins are never at the same time, so that the oldest is known. */
  tick(): void;
}

/** Logs a user of the record in, without a password: the tenant's policy and device cap hold. */
export async function logIn(
  { sekisho, tick }: World,
  tenantId: string,
  uid: string,
  options: TestLoginOptions = {},
): Promise<TestLogin> {
  tick();
  const origin: Origin = {
    requestId: newId(),
    ip: options.ip ?? null,
    userAgent: options.userAgent ?? null,
  };
  const pair = await sekisho.engine.logins.createSession(
    {
      tenant: tenantId,
      user: { uid },
      amr: options.amr ?? ['pwd'],
      device: { name: options.device ?? 'Test device', kind: null },
    },
    origin,
  );
  return loginOf(sekisho, tenantId, pair, origin);
}

function loginOf(sekisho: Sekisho, tenantId: string, pair: TokenPair, origin: Origin): TestLogin {
  const { accessToken, refreshToken, session, user } = pair;
  const cookies = (url: string): readonly BrowserCookie[] =>
    browserCookies(sekisho.sessions.cookies(pair, new Request(url)), url);
  return Object.freeze({
    tenantId,
    userId: user.uid,
    sessionId: session.sid,
    accessToken,
    refreshToken,
    headers: Object.freeze({ authorization: `Bearer ${accessToken}` }),
    cookie: cookies('http://localhost')
      .map(({ name, value }) => `${name}=${value}`)
      .join('; '),
    cookies,
    async refresh() {
      const next = await sekisho.engine.logins.refresh(refreshToken, origin);
      return loginOf(sekisho, tenantId, next, origin);
    },
    async logout() {
      await sekisho.engine.logins.logout({ accessToken, refreshToken }, origin);
    },
  });
}
