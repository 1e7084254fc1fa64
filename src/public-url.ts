/** Names that mean this machine (RFC 6761 section 6.3, RFC 1122 section 3.2.1.3). IPv6 in brackets, lower case. */
export function isLoopbackName(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(?:\.\d{1,3}){3}$/.test(hostname)
  );
}

/** What `isIssuer` asks for, behind the name of a setting or a field. */
export const ISSUER_MUST =
  'must be an https URL without query and fragment, such as https://id.example.com (http only on a loopback name)';

/**
 * Whether `text` may be the issuer of tokens: https, no query, no fragment (RFC 8414 section 2), nobody's credentials. Plain
 * http is for development on this machine: whoever fetches keys from anywhere else could be given others on the way.
 */
export function isIssuer(text: string): boolean {
  if (!URL.canParse(text) || /[?#]/.test(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && isLoopbackName(hostname));
}
