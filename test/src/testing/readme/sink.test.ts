import type { OutboxMessage, Sink } from '@waybill/core';
import { SinkUnavailableError } from '@waybill/core';
import { sinkContract } from '@waybill/testing';

class ArraySink implements Sink {
  readonly kept: OutboxMessage[] = [];
  broken = false;

  async deliver(batch: readonly OutboxMessage[]) {
    if (this.broken) return { accepted: 0, failure: new SinkUnavailableError('the array is away') };
    this.kept.push(...batch);
    return { accepted: batch.length };
  }
}

sinkContract('an array', async () => {
  const sink = new ArraySink();
  return {
    sink,
    stored: async (stream) => sink.kept.filter((message) => message.stream === stream),
    break: async () => void (sink.broken = true),
    heal: async () => void (sink.broken = false),
    close: async () => {},
  };
});
