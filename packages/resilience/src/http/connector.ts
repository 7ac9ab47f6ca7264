import type { Socket } from 'node:net';
import { rootCertificates } from 'node:tls';
import { buildConnector } from 'undici';
import type { PolicySettings } from '../policy-settings.js';
import { publicLookup, refuseIfNotPublic } from './address-guard.js';

/** Makes connections: within `connectMs`, to public addresses alone where that was asked for; watches that what is written gets written. */
export function connectorOf({ limits, publicOnly, lookup, ca }: PolicySettings): buildConnector.connector {
  const lookupOption = publicOnly ? publicLookup(lookup) : lookup;
  const connect = buildConnector({
    timeout: limits.connectMs,
    ...(lookupOption === undefined ? {} : { lookup: lookupOption }),
    // What is named in `ca` takes the place of all others otherwise.
    ...(ca.length === 0 ? {} : { ca: [...rootCertificates, ...ca] }),
  });
  return (options, callback) => {
    try {
      if (publicOnly) refuseIfNotPublic(options.hostname);
    } catch (error) {
      callback(error as Error, null);
      return;
    }
    connect(options, (...result) => {
      if (result[1]) watchWriting(result[1], limits.writeMs); // undici leaves it out where no connection was made, whatever its types say
      callback(...result);
    });
  };
}

/** Node tells when nothing went in or out for a while; it is about the request as long as some of that still has to be written. */
function watchWriting(socket: Socket, writeMs: number): void {
  socket.setTimeout(writeMs);
  socket.on('timeout', () => {
    if (socket.writableLength === 0) return;
    socket.destroy(Object.assign(new Error(`the target took nothing of the request for ${writeMs} ms`), { code: 'ETIMEDOUT' }));
  });
}
