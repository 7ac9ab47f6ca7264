'use strict';

module.exports = {
  require: ['test/dist/hooks.js'],
  reporter: './tools/mocha-reporter.cjs',
  timeout: 20_000,
  slow: 500,
  forbidOnly: Boolean(process.env.CI),
};
