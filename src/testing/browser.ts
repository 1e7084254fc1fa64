/** A cookie as Playwright's `BrowserContext.addCookies` and Puppeteer's `setCookie` take it. */
export interface BrowserCookie {
  readonly name: string;
  readonly value: string;
  /** Without a dot before it: the host alone. */
  readonly domain: string;
  readonly path: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly sameSite: 'Lax' | 'Strict' | 'None';
}

/** What is used of Playwright's `BrowserContext`; the package does not depend on Playwright. */
export interface BrowserContextLike {
  // biome-ignore lint/suspicious/noExplicitAny: Playwright's own type of the list is a mutable one
  addCookies(cookies: any): Promise<unknown>;
}

/** Who is logged in: a `TestLogin`, or anything that knows its cookies. */
export interface BrowserLogin {
  cookies(url: string): readonly BrowserCookie[];
}

/**
 * Logs a browser in: puts the session's cookies into a Playwright context, for the site of `url`. They are `__Host-`
 * cookies, so `url` must be https or a loopback name.
 *
 * @throws SekishoError `insecure_transport`.
 * @example
 * const context = await browser.newContext();
 * await logInBrowser(context, await noor.login(), 'http://localhost:3000');
 */
export async function logInBrowser(
  context: BrowserContextLike,
  login: BrowserLogin,
  url: string,
): Promise<void> {
  await context.addCookies([...login.cookies(url)]);
}

/** Reads `Set-Cookie` values as a browser at `url` does. */
export function browserCookies(setCookies: readonly string[], url: string): BrowserCookie[] {
  const { hostname } = new URL(url);
  return setCookies.map((text) => {
    const [pair = '', ...attributes] = text.split('; ');
    const at = pair.indexOf('=');
    const attribute = (name: string): string | undefined =>
      attributes.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
    const sameSite = attribute('SameSite');
    return {
      name: pair.slice(0, at),
      value: pair.slice(at + 1),
      domain: hostname,
      path: attribute('Path') ?? '/',
      secure: attributes.includes('Secure'),
      httpOnly: attributes.includes('HttpOnly'),
      sameSite: sameSite === 'Strict' || sameSite === 'None' ? sameSite : 'Lax',
    };
  });
}
