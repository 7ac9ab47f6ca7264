import { startMongoDB, startPostgres } from '@waybill/local-servers';
import type { DemoOptions } from './options.js';

export interface DemoServers {
  readonly postgres: string;
  readonly mongodb: string;
  /** One line for each. */
  readonly descriptions: { readonly postgres: string; readonly mongodb: string };
  stop(): Promise<void>;
}

/** The transaction of a receiver that was killed keeps its locks so long; a MongoDB's default is a minute. */
const TRANSACTION_LIFETIME_SECONDS = 3;

/**
 * The servers of the demo: those that the options name, or own ones, which are gone when this process is gone.
 *
 * @param notice - is told what takes long
 * @throws Error one of them cannot be had; then none is left
 */
export async function startServers({ postgres, mongodb }: DemoOptions, notice: (line: string) => void): Promise<DemoServers> {
  const [ofShop, ofReceiver] = await Promise.allSettled([
    startPostgres({ url: postgres }),
    startMongoDB({
      url: mongodb,
      transactionLifetimeSeconds: TRANSACTION_LIFETIME_SECONDS,
      onDownload: () => notice('MongoDB is downloaded, once: this takes a minute ...'),
    }),
  ]);
  const stop = async (): Promise<void> => {
    for (const server of [ofShop, ofReceiver]) if (server.status === 'fulfilled') await server.value.stop();
  };
  if (ofShop.status === 'fulfilled' && ofReceiver.status === 'fulfilled') {
    return {
      postgres: ofShop.value.url,
      mongodb: ofReceiver.value.url,
      descriptions: { postgres: shortened(ofShop.value.description), mongodb: shortened(ofReceiver.value.description) },
      stop,
    };
  }
  await stop();
  throw ofShop.status === 'rejected' ? ofShop.reason : (ofReceiver as PromiseRejectedResult).reason;
}

const shortened = (description: string): string => description.replace(/, as \w+_URL says$/, '');
