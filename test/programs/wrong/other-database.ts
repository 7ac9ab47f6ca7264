/** The transaction of a database that the application does not use. */
export interface OtherTx {
  readonly session: number;
}
