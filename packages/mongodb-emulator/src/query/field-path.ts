import { ServerError } from '../server-error.js';

/** @throws {@link ServerError} the path has an empty part, or one that starts with a dollar */
export function checkFieldPath(path: string): string {
  if (path === '') throw new ServerError(40352, 'FieldPath cannot be constructed with empty string');
  if (path.endsWith('.')) throw new ServerError(40353, "FieldPath must not end with a '.'.");
  for (const part of path.split('.')) {
    if (part === '') throw new ServerError(15998, 'FieldPath field names may not be empty strings.');
    if (part.startsWith('$')) throw new ServerError(16410, `FieldPath field names may not start with '$', given '${part}'.`);
  }
  return path;
}
