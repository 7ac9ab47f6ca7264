import { InboxHandler, Projection, ProjectionHandler } from '@waybill/core';
import type { CallContext, Commit, GenerationContext, HandlerContext, Message, ProjectionContext } from '@waybill/core';
import { FeeAsked, ParcelNoted, ParcelShipped } from './arriving-messages.js';
import type { ArrivingMoment } from './arriving-order.js';
import type { DiaryEntry } from './diary.js';

/** What handlers and projections of a process have. */
export interface Means {
  readonly write: (entry: Pick<DiaryEntry, 'text' | 'stream'>, tx: unknown) => Promise<void>;
  readonly pay: (key: string, context: CallContext) => Promise<void>;
  readonly reached: (moment: ArrivingMoment) => void | Promise<void>;
}

const placeOf = ({ stream, revision }: Message): { readonly text: string; readonly stream: string } => ({
  text: `${stream}@${revision}`,
  stream,
});

/** Each message: an entry in the diary, and a message that is sent. */
export class Parcels {
  constructor(private readonly means: Means) {}

  @InboxHandler(ParcelShipped, { name: 'note-parcel' })
  async onShipped(message: Message<ParcelShipped>, { tx, append }: HandlerContext<unknown>): Promise<void> {
    await this.means.write(placeOf(message), tx);
    append(message.stream, ParcelNoted(message.data));
  }

  @InboxHandler(FeeAsked, { name: 'pay-fee', twoStep: true })
  async onFee(message: Message<FeeAsked>, context: CallContext): Promise<Commit<unknown>> {
    await this.means.pay(message.id, context);
    return async ({ tx, append }) => {
      await this.means.write(placeOf(message), tx);
      append(message.stream, ParcelNoted(message.data));
    };
  }
}

/** The diary as a read model: each generation has entries of its own. */
@Projection({ name: 'parcel-list' })
export class ParcelList {
  constructor(private readonly means: Means) {}

  @ProjectionHandler([ParcelShipped, FeeAsked])
  async on(message: Message<ParcelShipped | FeeAsked>, { tx, generation }: ProjectionContext<unknown>): Promise<void> {
    const { text, stream } = placeOf(message);
    await this.means.write({ text: `#${generation} ${text}`, stream: `#${generation} ${stream}` }, tx);
  }

  async prepare({ generation }: GenerationContext<unknown>): Promise<void> {
    if (generation > 1) await this.means.reached('generation-prepared');
  }

  async activate({ tx, generation }: GenerationContext<unknown>): Promise<void> {
    await this.means.write({ text: `#${generation} activated`, stream: 'switches' }, tx);
    await this.means.reached('generation-activated');
  }

  async retire(_context: GenerationContext<unknown>): Promise<void> {
    await this.means.reached('generation-retired');
  }
}
