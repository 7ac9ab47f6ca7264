/** What a promise rejects with; itself rejects when the promise does not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('This was expected to be refused, and was not.');
}
