import { isIP } from 'node:net';
import { isLoopbackName } from '../public-url.ts';

/**
 * Makes the judgement of the name that a request was sent to, for a listener that asks for no credentials. A page on the
 * web can have its own name resolve to an address in here, and then read what the listener says (DNS rebinding); it cannot
 * make the browser send another name than its own. So addresses, loopback names and names without a dot, which nobody can
 * register, are good, and others only when they are among `names`.
 */
export function createHostPolicy(names: readonly string[]): (hostname: string) => boolean {
  const own = new Set(names.map(plain));
  return (hostname) => {
    const name = plain(hostname);
    const isAddress = isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0;
    return isAddress || isLoopbackName(name) || !name.includes('.') || own.has(name);
  };
}

function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
