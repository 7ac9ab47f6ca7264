import { expect } from 'chai';
import { isWaybillError } from '@waybill/core';
import type { WaybillErrors } from '@waybill/core';

/** What `act` is refused with. Fails where it is not refused, or with another code. */
export async function failureOf<Code extends keyof WaybillErrors>(code: Code, act: () => unknown): Promise<WaybillErrors[Code]> {
  try {
    await act();
  } catch (error) {
    if (isWaybillError(error, code)) return error;
    throw error;
  }
  return expect.fail(`Nothing was refused; ${code} was expected.`);
}
