/** Files have one subject: beyond so many lines one has two. Pure, so that the rule itself is tested. */

export const MOST_LINES = 300;

/** What has been released is never edited. */
const FROZEN = /^src\/record\/migrations\//;
const CODE = /\.(?:[mc]?[jt]s|sql|lua)$/;

/** @param {string} file path relative to the root, with forward slashes */
export function isMeasured(file) {
  return CODE.test(file) && !FROZEN.test(file);
}

/**
 * @param {string} file
 * @param {string} text
 * @returns {string | null} what is wrong with it
 */
export function tooLong(file, text) {
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  if (lines <= MOST_LINES) return null;
  return `${file} has ${lines} lines, of which ${MOST_LINES} are allowed: give each of its subjects a file`;
}
