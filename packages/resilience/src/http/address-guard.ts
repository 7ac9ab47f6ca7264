import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The address is none of the public internet: it was not connected to. */
export class AddressRefusedError extends Error {
  constructor(address: string, host: string) {
    super(`${host === address ? address : `${host} is ${address}, which`} is no address of the public internet (publicOnly)`);
  }
}

// Azure's own service to its machines: public by its number, reached from inside alone.
const PUBLIC_IN_NAME_ONLY = new Set(['168.63.129.16']);

/** True for addresses that everybody may be sent to: not private, loopback, link-local, carrier-grade NAT, multicast, mapped or tunnelled to these ... */
export function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address); // an IPv4 address in IPv6's clothes is looked at as what it is
  if (PUBLIC_IN_NAME_ONLY.has(parsed.toString())) return false;
  if (parsed.range() !== 'unicast') return false;
  // Of IPv6, 2000::/3 is handed out to the world; what lies beside it and has no name yet is not.
  return parsed.kind() === 'ipv4' || parsed.match(ipaddr.IPv6.parse('2000::'), 3);
}

/** @throws {@link AddressRefusedError} `host` is an address, and not a public one */
export function refuseIfNotPublic(host: string): void {
  if (isIP(host) !== 0 && !isPublic(host)) throw new AddressRefusedError(host, host);
}

/**
 * Looks names up and refuses those with an address that is not public. The socket connects to the very addresses that were looked at: a name
 * that means something else a moment later (DNS rebinding) gains nothing.
 */
export function publicLookup(lookup: LookupFunction = systemLookup): LookupFunction {
  return (host, options, callback) =>
    lookup(host, options, (error, found, family) => {
      const addresses: readonly LookupAddress[] = typeof found === 'string' ? [{ address: found, family: family ?? 0 }] : (found ?? []);
      const refused = addresses.find(({ address }) => !isPublic(address));
      if (error !== null || refused === undefined) callback(error, found, family);
      else callback(new AddressRefusedError(refused.address, host), found, family);
    });
}
