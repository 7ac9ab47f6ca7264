import { MessageRejectedError, SinkUnavailableError, SKIPPED_TYPE } from '@waybill/core';
import type { Delivery, OutboxMessage } from '@waybill/core';
import type { Ledger, RouteLedger } from './ledger.js';
import type { Fate } from './network.js';

/** What a route's sinks, one in each process, send to. It accepts whatever it is sent, late or twice, as an HTTP endpoint does. */
export class Target {
  isDown = false;
  /** Messages that it refuses. */
  readonly poison = new Set<string>();
  /** Messages whose delivery ends the process that tries it. */
  readonly killers = new Set<string>();
  readonly #route: RouteLedger;

  constructor(
    readonly name: string,
    private readonly ledger: Ledger,
  ) {
    this.#route = ledger.routes.get(name)!;
  }

  /** @param kill - ends the process that delivers; no answer comes then */
  async take(batch: readonly OutboxMessage[], fate: Fate, kill: () => void): Promise<Delivery> {
    if (fate === 'lost' || this.isDown) return this.#unavailable(batch, 0);
    const most = fate === 'half' ? Math.floor(batch.length / 2) : batch.length;
    for (const [accepted, message] of batch.entries()) {
      if (accepted === most) return this.#unavailable(batch, accepted);
      if (this.#isHarmful(this.killers, message)) {
        kill();
        return new Promise(() => {});
      }
      if (this.#isHarmful(this.poison, message)) return this.#refuse(batch, accepted, fate);
      this.ledger.accept(this.name, message.id);
    }
    if (fate === 'answer-lost') {
      this.#route.unavailable(batch[0]!.id);
      throw new Error('the answer was lost');
    }
    return { accepted: batch.length, answer: 'taken' };
  }

  /** A placeholder has the id of the message that it stands for, and nothing of what was wrong with it. */
  #isHarmful(which: ReadonlySet<string>, { id, type }: OutboxMessage): boolean {
    return which.has(id) && type !== SKIPPED_TYPE;
  }

  #unavailable(batch: readonly OutboxMessage[], accepted: number): Delivery {
    this.#route.unavailable(batch[accepted]!.id);
    return { accepted, failure: new SinkUnavailableError('it is down') };
  }

  #refuse(batch: readonly OutboxMessage[], accepted: number, fate: Fate): Delivery {
    const { id, stream, revision } = batch[accepted]!;
    this.#route.blame(id);
    const acceptedBeyond = fate === 'beyond' && this.#route.setup.order === 'stream' ? this.#acceptBeyond(batch, accepted) : [];
    return { accepted, acceptedBeyond, failure: new MessageRejectedError(id, stream, revision, 'it is poison') };
  }

  /** Other streams that were in flight already. */
  #acceptBeyond(batch: readonly OutboxMessage[], refused: number): readonly number[] {
    const stopped = new Set([batch[refused]!.stream]);
    return batch.flatMap(({ id, stream }, nth) => {
      if (nth <= refused || stopped.has(stream)) return [];
      if (this.poison.has(id) || this.killers.has(id)) stopped.add(stream);
      if (stopped.has(stream)) return [];
      this.ledger.accept(this.name, id);
      return [nth];
    });
  }
}
