/** A fact (or, for a command, a request): plain data, structurally typed. `{ type, data }` literals are fine. */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly data: Data;
}
