import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import { bsonTypeOf, isDocument } from '../values/bson-type.js';
import { numberTypeOf, toNumber } from '../values/number.js';
import { isTrue } from '../values/truth.js';

/** A command's fields, or a statement's, read as what they should be. */
export class Arguments {
  constructor(
    /** The command, e.g. `find`: errors name it. */
    private readonly command: string,
    readonly fields: Document,
  ) {}

  has(name: string): boolean {
    return this.fields[name] !== undefined;
  }

  document(name: string): Document | undefined {
    const value = this.fields[name] as unknown;
    if (value === undefined || isDocument(value)) return value;
    throw this.#wrongType(name, value, 'object');
  }

  required(name: string): Document {
    return this.document(name) ?? this.#missing(name);
  }

  documents(name: string): readonly Document[] | undefined {
    const value = this.fields[name] as unknown;
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every(isDocument)) return value;
    throw this.#wrongType(name, value, 'array of objects');
  }

  requiredDocuments(name: string): readonly Document[] {
    return this.documents(name) ?? this.#missing(name);
  }

  string(name: string): string | undefined {
    const value = this.fields[name] as unknown;
    if (value === undefined || typeof value === 'string') return value;
    throw this.#wrongType(name, value, 'string');
  }

  requiredString(name: string): string {
    return this.string(name) ?? this.#missing(name);
  }

  /** Numbers and booleans alike, as the server takes them. */
  flag(name: string, otherwise = false): boolean {
    const value = this.fields[name] as unknown;
    return value === undefined ? otherwise : isTrue(value);
  }

  /** A whole number that is not negative. */
  count(name: string): number | undefined {
    const value = this.fields[name] as unknown;
    if (value === undefined || value === null) return undefined;
    if (numberTypeOf(value) === undefined) throw this.#wrongType(name, value, 'number');
    const number = Math.trunc(toNumber(value));
    if (number >= 0) return number;
    throw new ServerError(51024, `BSON field '${name}' value must be >= 0, actual value '${number}'`);
  }

  /** As {@link count}, where 0 says that there is none. */
  positiveCount(name: string): number | undefined {
    const count = this.count(name);
    return count === 0 ? undefined : count;
  }

  /** @throws ServerError for any of these fields: nothing is dropped silently */
  refuse(...names: readonly string[]): void {
    const name = names.find((candidate) => this.has(candidate));
    if (name !== undefined) throw new ServerError(CODES.BadValue, `This emulator does not know the option '${name}' of '${this.command}'`);
  }

  /** @throws ServerError for a collation that compares otherwise than byte by byte */
  refuseCollation(): void {
    const locale = this.document('collation')?.locale as unknown;
    if (locale !== undefined && locale !== 'simple') {
      throw new ServerError(CODES.BadValue, `This emulator knows no collation but { locale: "simple" }: '${this.command}' has another`);
    }
  }

  #missing(name: string): never {
    throw new ServerError(40414, `BSON field '${this.command}.${name}' is missing but a required field`);
  }

  #wrongType(name: string, value: unknown, wanted: string): ServerError {
    return new ServerError(
      CODES.TypeMismatch,
      `BSON field '${this.command}.${name}' is the wrong type '${bsonTypeOf(value)}', expected type '${wanted}'`,
    );
  }
}
