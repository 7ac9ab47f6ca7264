import { defineConfig } from 'eslint/config';
import { builtinModules } from 'node:module';
import tseslint from 'typescript-eslint';

const withoutPrefix = builtinModules.filter((name) => !name.startsWith('_') && !name.startsWith('node:'));

export default defineConfig(
  {
    ignores: ['**/dist/', '**/node_modules/', '**/temp/', 'coverage/', 'docs/.vitepress/cache/', 'docs/.vitepress/dist/', 'test/programs/'],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: { string: true, boolean: true } }],
      '@typescript-eslint/prefer-optional-chain': 'error',
      '@typescript-eslint/prefer-readonly': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // A port speaks promises; an adapter that has nothing to wait for is `async` all the same.
      '@typescript-eslint/require-await': 'off',
      // Scopes and options are destructured where they arrive; none of them is a class that needs its `this`.
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    rules: {
      eqeqeq: 'error',
      'no-else-return': 'error',
      'no-param-reassign': 'error',
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      'no-restricted-imports': ['error', { paths: withoutPrefix.map((name) => ({ name, message: `Write 'node:${name}'.` })) }],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Export by name: a name is the same everywhere.' },
        { selector: 'TSEnumDeclaration', message: 'Use a union of strings.' },
        { selector: 'ExportAllDeclaration', message: 'Name what you export: an index is read in walk order.' },
      ],
    },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    ignores: ['packages/*/src/**/cli.ts'],
    rules: { 'no-console': 'error' }, // a library speaks through its dispatcher events and its errors
  },
  {
    files: ['test/src/**/*.ts', 'packages/testing/src/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unused-expressions': 'off', // chai: expect(done).to.be.true
    },
  },
  {
    files: ['test/src/inversify/**/*.ts'], // inversify's decorators are legacy ones
    languageOptions: {
      parserOptions: { projectService: false, project: 'test/legacy/tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
  },
  {
    files: ['eslint.config.js', 'docs/.vitepress/**'],
    rules: { 'no-restricted-syntax': 'off' }, // these tools ask for a default export
  },
);
