/**
 * @typedef {object} Statement
 * @property {string} text without comments, white space as one blank
 * @property {string} comment what stands right above it, without the dashes
 * @property {number} line where it begins, from 1
 */

/** What may contain a semicolon that ends nothing; the first that matches counts. */
const pieces =
  /(?<comment>--[^\n]*|\/\*[\s\S]*?\*\/)|(?<tag>\$\w*\$)[\s\S]*?\k<tag>|'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<end>;)|(?<blank>\s+)|[^\s;'"$/-]+|[\s\S]/g;

/**
 * Splits a script of SQL. What a `do` block or a function contains belongs to its statement.
 * @param {string} sql @returns {Statement[]}
 */
export function statementsOf(sql) {
  /** @type {Statement[]} */
  const statements = [];
  let text = '';
  let line = 1;
  let begun = 1;
  /** @type {string[]} */
  let above = [];
  for (const match of sql.matchAll(pieces)) {
    const [piece] = match;
    const { comment, end, blank } = match.groups ?? {};
    if (comment !== undefined) {
      // A comment inside of a statement is not above one.
      if (text === '') above.push(comment.replace(/^--\s?|^\/\*\s?|\s*\*\/$/g, ''));
      else text += ' ';
    } else if (end !== undefined) {
      statements.push({ text: oneLine(text), comment: above.join('\n'), line: begun });
      text = '';
      above = [];
    } else if (blank !== undefined) {
      // An empty line parts a comment from what follows it.
      if (text !== '') text += ' ';
      else if (/\n\s*\n/.test(blank)) above = [];
    } else {
      if (text === '') begun = line;
      text += piece;
    }
    line += piece.split('\n').length - 1;
  }
  if (text.trim() !== '')
    statements.push({ text: oneLine(text), comment: above.join('\n'), line: begun });
  return statements;
}

/** @param {string} text */
function oneLine(text) {
  return text.trim().replaceAll(/ {2,}/g, ' ');
}
