import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { emulated } from '../eventstoredb/emulated.js';
import type { Emulated } from '../eventstoredb/emulated.js';

describe("EventStoreDB's witness", () => {
  let server: Emulated;
  beforeEach(async () => (server = await emulated({ eventstore: { appendTimeoutMs: 300, readTimeoutMs: 300 } })));
  afterEach(() => server.close());

  async function marks(count: number): Promise<string> {
    const outboxId = randomUUID();
    for (let number = 0n; number < count; number++) await server.eventstore.witness.record({ outboxId, number, nonce: randomUUID() });
    return outboxId;
  }

  it('lets its stream keep the last hundred marks', async () => {
    const outboxId = await marks(3);

    const metadata = await server.stranger().getStreamMetadata(`waybill-witness-${outboxId}`);

    expect(metadata.metadata).to.deep.equal({ maxCount: 100 });
  });

  it('says that it cannot be asked while the server is away', async () => {
    const outboxId = await marks(1);
    await server.emulator.stop();

    const looked: unknown = await server.eventstore.witness.last(outboxId).catch((error: unknown) => error);
    const recorded: unknown = await server.eventstore.witness
      .record({ outboxId, number: 1n, nonce: randomUUID() })
      .catch((error: unknown) => error);

    expect(looked).to.have.property('code', 'EVENTSTOREDB_UNAVAILABLE');
    expect(recorded).to.have.property('code', 'EVENTSTOREDB_UNAVAILABLE');
  });

  it('does not take a stream that was deleted for its own', async () => {
    const outboxId = await marks(2);
    await server.stranger().deleteStream(`waybill-witness-${outboxId}`);

    expect(await server.eventstore.witness.last(outboxId)).to.equal(undefined);
    expect(await server.eventstore.witness.record({ outboxId, number: 0n, nonce: randomUUID() })).to.equal(false);
  });
});
