import { emulators, serverAt } from '../server-under-test.js';
import { comparisonOrder } from './comparison-order.js';
import { expressions } from './expressions.js';
import { filters } from './filters.js';
import { projections } from './projections.js';
import { stages } from './stages.js';
import { updates } from './updates.js';

const URL_GIVEN = process.env['MONGODB_URL'];

describe(`MongoDB operators${URL_GIVEN === undefined ? '' : `, of the server at ${new URL(URL_GIVEN).host}`}`, () => {
  for (const suite of [comparisonOrder, filters, updates, projections, expressions, stages]) {
    suite(URL_GIVEN === undefined ? emulators() : serverAt(URL_GIVEN));
  }
});
