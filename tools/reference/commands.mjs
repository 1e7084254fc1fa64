// docs/commands.md: every command with its help, as the terminal shows it.
import { loadGroups } from '../../dist/cli/groups.js';
import { commandHelp, overview } from '../../dist/cli/help.js';

/** @returns {Promise<string>} */
export async function commandsPage() {
  const groups = await loadGroups();
  const lines = [
    '# Commands',
    '',
    'Generated from the help of the commands themselves (`sekisho <command> --help`).',
    '',
    'A command finds the record by itself. On a data directory that a server holds it goes through the control socket of that',
    'server, and what it did is in force when it returns; on one that nobody holds it opens the directory for as long as it takes.',
    'With a `DATABASE_URL` it joins the nodes that are there, as one more, for as long as it takes.',
    '',
    '`--json` prints one line with the objects of the [HTTP contract](http.md); an error is one line on standard error,',
    '`{"error": {"code": …, "message": …}}`, with a code of [errors.md](errors.md) or `usage`. Tenants are named by slug or id, users by',
    'e-mail address or id. Long work shows a bar where standard error is a terminal.',
    '',
    'What removes something for good, may log out more than one user, or shuts a service out asks first, and wants `--yes` where',
    'nobody can be asked. What is about one user or one session does not (`revoke user`, `revoke session`, `user disable`,',
    '`user reset`): somebody is in a hurry, and they log in again, or are enabled again. `restore` has `--replace` for it.',
    '',
    '| Exit code | Meaning |',
    '|---|---|',
    '| 0 | done; a revocation is everywhere, or was not waited for (`--wait 0`) |',
    '| 1 | it failed: not there, against a rule, a store out of reach |',
    '| 2 | the command line or a setting is wrong, or the answer to a question was no: nothing was done |',
    '| 3 | a revocation is committed and stays so, but is not everywhere yet; the output has its deadline and id |',
    '| 141 | nobody reads standard output any more, as when `head` has seen enough; work that was begun is done |',
    '',
    '```text',
    overview(groups).trimEnd(),
    '```',
    '',
  ];
  for (const { name, summary, commands } of groups) {
    lines.push(
      `## sekisho ${name}`,
      '',
      `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
      '',
    );
    for (const command of commands) {
      if (command.name !== name) lines.push(`### sekisho ${command.name}`, '');
      lines.push('```text', commandHelp(command).trimEnd(), '```', '');
    }
  }
  return `${lines.join('\n').trimEnd()}\n`;
}
