import type { CommandStartedEvent, MongoClient } from 'mongodb';

export interface SentCommand {
  readonly name: string;
  readonly inTransaction: boolean;
}

const KEEPS_THE_CONNECTION = ['hello', 'ping', 'endSessions'];

/** The commands that a client has sent, which no server changes; of a client that monitors them. */
export class CommandCount {
  #lately: SentCommand[] = [];
  #total = 0;

  constructor(client: MongoClient) {
    client.on('commandStarted', ({ commandName: name, command }: CommandStartedEvent) => {
      if (KEEPS_THE_CONNECTION.includes(name)) return;
      this.#total++;
      this.#lately.push({ name, inTransaction: command['autocommit'] === false });
    });
  }

  get total(): number {
    return this.#total;
  }

  /** What is sent meanwhile. */
  async during(act: () => Promise<unknown>): Promise<readonly SentCommand[]> {
    this.#lately = [];
    await act();
    return this.#lately;
  }
}
