import type { Message } from '../message/message.js';

/**
 * What a message that arrived is claimed under: its id, and who sent it. An id is its sender's own, so that one sender's message never hides
 * another's, by chance or by intent.
 */
export function claimOfArrival({ id, metadata }: Pick<Message, 'id' | 'metadata'>): string {
  const { source } = metadata as { readonly source?: string };
  return source === undefined ? id : `${id} ${source}`;
}

/** Id of the message that a claim is of, whoever sent it. */
export const messageOfClaim = (claimId: string): string => claimId.split(' ', 1)[0]!;
