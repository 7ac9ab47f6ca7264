import type { CommandStartedEvent, Document, MongoClient } from 'mongodb';

/** Runs `act`, and answers the commands that the client sent meanwhile, but for those that only keep the connection. Its client has `monitorCommands`. */
export async function commandsOf(client: MongoClient, act: () => Promise<unknown>): Promise<readonly Document[]> {
  const commands: Document[] = [];
  const note = ({ command, commandName }: CommandStartedEvent): void => {
    if (!['hello', 'ping', 'endSessions'].includes(commandName)) commands.push(command);
  };
  client.on('commandStarted', note);
  try {
    await act();
  } finally {
    client.off('commandStarted', note);
  }
  return commands;
}

export const namesOf = (commands: readonly Document[]): readonly string[] => commands.map((command) => Object.keys(command)[0]!);
