import { InvalidOptionsError } from '@waybill/core';

/** Where a request goes, taken apart once. */
export interface Address {
  readonly url: URL;
  readonly origin: string;
  /** With the query. */
  readonly path: string;
}

export function addressOf(url: URL): Address {
  return { url, origin: url.origin, path: `${url.pathname}${url.search}` };
}

/** @throws {@link InvalidOptionsError} nothing can be sent there */
export function checkedAddress(text: string | URL): Address {
  const url = parsed(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new InvalidOptionsError(`${url.protocol}// is no address of HTTP: use https:// or http://.`);
  if (url.username !== '' || url.password !== '') {
    throw new InvalidOptionsError(`The address of ${url.host} holds credentials, which would end up in logs: send them as a header.`);
  }
  return addressOf(url);
}

function parsed(text: string | URL): URL {
  try {
    return new URL(text);
  } catch (error) {
    throw new InvalidOptionsError(`"${String(text)}" is no address to send a request to: give a whole URL.`, { cause: error });
  }
}
