/**
 * Base of every error that Waybill throws on purpose.
 *
 * Branch on {@link WaybillError.code} (or with {@link isWaybillError}), not on `instanceof`: two copies of a package in one
 * `node_modules` have two classes but one code.
 */
export abstract class WaybillError extends Error {
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Options that cannot work, found before anything started. */
export class InvalidOptionsError extends WaybillError {
  readonly code = 'INVALID_OPTIONS';
}
