import { expect } from 'chai';
import { HttpReceiver } from '@waybill/http';
import type { HttpReceiverOptions } from '@waybill/http';
import { failureOf } from '../../shop/failure-of.js';
import { NotingIntake } from './noting-intake.js';
import { SECRET } from './sender.js';

describe('options of a receiver', () => {
  const bad: Readonly<Record<string, Partial<HttpReceiverOptions>>> = {
    'an `intake`': { intake: undefined },
    'without `secrets`': { secrets: undefined },
    '{ unsigned: true }': { secrets: [] },
    'which of the two': { unsigned: true },
    'Secret 2': { secrets: [SECRET, 'no base64 at all!'] },
    'not empty': { secrets: '' },
    'modes must name': { modes: [] },
    'structured, binary, batch': { modes: ['avro' as never] },
    'sources is empty': { sources: [] },
    maxAgeMs: { maxAgeMs: 0 },
    maxBodyBytes: { maxBodyBytes: Number.NaN },
    maxBatch: { maxBatch: -1 },
    bodyWithinMs: { bodyWithinMs: 1.5 },
    answerWithinMs: { answerWithinMs: Infinity },
    'limits.concurrency': { limits: { concurrency: 0 } },
    'limits.rate.perMs': { limits: { rate: { limit: 1, perMs: 0 } } },
    'limits.rate.limit': { limits: { rate: { perMs: 1_000 } as never } },
    'limits.rate.burst': { limits: { rate: { limit: 1, perMs: 1, burst: 0 } } },
  };
  for (const [told, options] of Object.entries(bad)) {
    it(`that cannot work are refused: ${told}`, async () => {
      const { message } = await failureOf(
        'INVALID_OPTIONS',
        () => new HttpReceiver({ intake: new NotingIntake(), secrets: SECRET, ...options }),
      );

      expect(message).to.contain(told);
    });
  }

  it('are refused without telling the secret', async () => {
    const { message } = await failureOf('INVALID_OPTIONS', () => new HttpReceiver({ intake: new NotingIntake(), secrets: 'hush, hush!' }));

    expect(message).to.not.contain('hush');
  });
});
