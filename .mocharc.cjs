'use strict';

module.exports = {
  spec: ['test/dist/**/*.test.js'],
  require: ['test/dist/hooks.js'],
  reporter: './tools/mocha-reporter.cjs',
  timeout: 20_000,
  slow: 500,
  forbidOnly: Boolean(process.env.CI),
};
