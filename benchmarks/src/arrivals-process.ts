import { awaitArrivals } from './arrivals.js';
import { connectTo } from './connect-to.js';
import type { Address } from './shop.js';

const { database, close } = connectTo(JSON.parse(process.argv[2]!) as Address);
const arrivals = await awaitArrivals(database, process.argv[3]!);
process.once('message', (messages: number) => {
  void arrivals.until(messages).then(async (found) => {
    await close();
    process.send!(found, () => process.disconnect());
  });
});
process.send!('ready');
