/**
 * The only way out: a document is fetched for somebody who named its URL, so it must not be a way into the operator's own
 * network. The name is looked up once, every address it has must be a public one, and the connection goes to exactly
 * those; nothing is followed, and neither size nor time is without end. (OWASP SSRF; RFC 9700 4.11 for why)
 */
import { lookup } from 'node:dns';
import { request as plainRequest, type IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { limits } from '../kit/limits.js';

export interface Fetched {
  text: string;
  /** Milliseconds for which its server lets it be kept. */
  freshMs: number;
}

export type Fetch = (url: string) => Promise<Fetched>;

/** @param named hosts that may be asked wherever they are, and without TLS: `host` or `host:port` */
export function createOutbound(named: readonly string[]): Fetch {
  return async (url) => {
    const { protocol, hostname, host, username } = new URL(url);
    const trusted = named.includes(host) || named.includes(hostname);
    if (protocol !== 'https:' && !(trusted && protocol === 'http:')) throw new Error('only https is asked');
    if (username !== '') throw new Error('no user names in URLs');
    const address = hostname.replace(/^\[|\]$/g, '');
    if (!trusted && isIP(address) !== 0 && !isPublic(address)) throw new Error('not a public address');
    const response = await answered(url, trusted);
    if (response.statusCode !== 200) {
      response.destroy();
      throw new Error(`it answers ${response.statusCode ?? 0}`);
    }
    return { text: await textOf(response), freshMs: freshOf(response) };
  };
}

function answered(url: string, trusted: boolean): Promise<IncomingMessage> {
  const options = {
    // No pooled connection: it would have been opened by another check.
    agent: false,
    headers: { Accept: 'application/json' },
    signal: AbortSignal.timeout(limits.jwksMs),
    ...(trusted ? {} : { lookup: lookupPublic }),
  } as const;
  return new Promise((resolve, reject) => {
    const ask = url.startsWith('https:') ? request : plainRequest;
    ask(url, options, resolve).once('error', reject).end();
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limits.jwksBytes) throw new Error(`more than ${limits.jwksBytes} bytes (limit jwksBytes)`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Cache-Control (RFC 9111 5.2.2): never longer than it says, and never longer than our own bound. */
function freshOf({ headers }: IncomingMessage): number {
  const said = headers['cache-control'] ?? '';
  if (/\bno-(?:store|cache)\b/i.test(said)) return 0;
  const seconds = Number(/\bmax-age=([0-9]{1,9})/i.exec(said)?.[1] ?? 0) - Number(headers.age ?? 0);
  return Math.min(Math.max(0, seconds) * 1000, limits.jwksKeptMs);
}

const lookupPublic: LookupFunction = (hostname, options, told) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) told(error, []);
    // One private address among public ones is a trick, not a server.
    else if (addresses.every(({ address }) => isPublic(address))) told(null, addresses);
    else told(new Error('not a public address'), []);
  });
};

/** IANA's special-purpose registries (RFC 6890): this host, private use, shared, link-local, documentation, multicast, reserved. */
const closed = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  closed.addSubnet(network, bits, 'ipv4');
}
/** Of IPv6 only global unicast is public, and of that neither what carries an IPv4 address inside nor documentation. */
const global = new BlockList();
global.addSubnet('2000::', 3, 'ipv6');
for (const [network, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  closed.addSubnet(network, bits, 'ipv6');
}

export function isPublic(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !closed.check(address, 'ipv4');
  return family === 6 && global.check(address, 'ipv6') && !closed.check(address, 'ipv6');
}
