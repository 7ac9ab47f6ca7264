import { HttpSink } from '@waybill/http';
import type { ContentMode } from '@waybill/http';
import { sinkContract } from '@waybill/testing';
import type { SinkFixture } from '@waybill/testing';
import { WebhookTarget } from './webhook-target.js';

// One try a delivery, and no breaker: the suites break the target more often than a breaker allows.
const policy = { retry: { most: 0 }, breaker: false } as const;

const open =
  (mode: ContentMode, idempotent = true) =>
  async (): Promise<SinkFixture> => {
    const target = await WebhookTarget.start();
    return {
      sink: new HttpSink({ source: '/contract', url: target.url, mode, idempotent, policy }),
      stored: async (stream) => target.taken.filter((taken) => taken.stream === stream),
      break: () => target.close(),
      refuse: async ({ id }) => target.refuse(id),
      heal: () => target.open(),
      close: () => target.close(),
    };
  };

for (const mode of ['structured', 'binary', 'batch'] as const)
  sinkContract(`over HTTP, ${mode}`, open(mode), { recognisesDuplicates: true, refuses: true });
sinkContract('over HTTP, to a target that is not idempotent', open('structured', false), { recognisesDuplicates: true, refuses: true });
