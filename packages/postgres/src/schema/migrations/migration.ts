/** One step of the schema's history. Never edited once released: a change is a new step. */
export interface Migration {
  readonly version: number;
  readonly sql: (schema: string, lanes: number) => string;
}
