import type { Dispatcher } from '@waybill/core';
import type { WindowedDatabaseOptions } from './windowed-database.js';

/** What is simulated: core as it is, or with a planted bug. */
export interface Variant extends Pick<WindowedDatabaseOptions, 'readsWithoutWindow' | 'settlesWithoutEpoch'> {
  readonly core: { readonly Dispatcher: typeof Dispatcher };
}
