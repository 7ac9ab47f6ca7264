import { AggregateRoot, defineEvent } from '@waybill/core';
import type { EventOf } from '@waybill/core';
import { z } from 'zod';

export const NoteWritten = defineEvent('NoteWritten', z.object({ text: z.string() }));
export type NoteWritten = EventOf<typeof NoteWritten>;

/** The smallest aggregate that can be read back. */
export class Notebook extends AggregateRoot<NoteWritten> {
  readonly stream: string;
  readonly texts: string[] = [];

  constructor(id: string) {
    super();
    this.stream = `notebook-${id}`;
  }

  write(text: string): void {
    this.emit(NoteWritten({ text }));
  }

  protected override apply({ data }: NoteWritten): void {
    this.texts.push(data.text);
  }
}
