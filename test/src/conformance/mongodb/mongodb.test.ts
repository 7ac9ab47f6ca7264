import { emulators, serverAt } from './server-under-test.js';
import { SUITES } from './suites.js';

const URL_GIVEN = process.env['MONGODB_URL'];

describe(`MongoDB conformance${URL_GIVEN === undefined ? '' : `, of the server at ${new URL(URL_GIVEN).host}`}`, () => {
  for (const suite of SUITES) suite(URL_GIVEN === undefined ? emulators() : serverAt(URL_GIVEN));
});
