/** Which step failed, to branch on. */
export type LocalServerErrorCode =
  | 'SERVER_NOT_INSTALLED'
  | 'SERVER_ACCOUNT_MISSING'
  | 'SERVER_DID_NOT_START'
  | 'SERVER_TIMED_OUT'
  | 'SERVER_NOT_REACHABLE'
  | 'SERVER_UNSUITABLE';

/** A local server could not be had. The message ends with the last lines the server printed, if it printed any. */
export class LocalServerError extends Error {
  override readonly name = 'LocalServerError';

  constructor(
    readonly code: LocalServerErrorCode,
    message: string,
    readonly log: readonly string[] = [],
    options?: ErrorOptions,
  ) {
    super([message, ...log.map((line) => `  | ${line}`)].join('\n'), options);
  }
}
