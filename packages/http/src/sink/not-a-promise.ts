/**
 * What a function answered that has to answer at once.
 *
 * @param what - the option that it is given by
 * @throws TypeError it is async, which no compiler has seen: its answer would be taken for an empty one
 */
export function notAPromise<Answer>(what: string, answer: Answer): Answer {
  if (!(answer instanceof Promise)) return answer;
  answer.catch(() => {}); // nobody waits for it
  throw new TypeError(`\`${what}\` must not be async: it has to answer at once`);
}
