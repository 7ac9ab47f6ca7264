import { InMemoryWitness } from '@waybill/core/in-memory';
import { witnessContract } from '@waybill/testing';
import { emulated } from '../eventstoredb/emulated.js';

witnessContract('in-memory', async () => ({ witness: new InMemoryWitness(), close: async () => {} }));

witnessContract('eventstoredb', async () => {
  const { eventstore, another, close } = await emulated();
  return { witness: eventstore.witness, another: async () => another().witness, close };
});
