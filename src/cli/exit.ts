/** What a command's exit code says. */
export const EXIT = Object.freeze({
  /** Done; a revocation is everywhere, or was not waited for. */
  done: 0,
  /** It failed: what was asked for is not there, is against a rule, or a store could not be reached. */
  failed: 1,
  /** The command line or a setting is wrong: nothing was tried. */
  usage: 2,
  /**
   * It is committed and will not be undone, but it is not everywhere yet: a node has not answered within the time waited
   * for. By the deadline that is printed it is.
   */
  pending: 3,
  /** What it had to say was no longer read, as after `| head`: what a shell reports for SIGPIPE. Work that was begun is done. */
  unread: 141,
} as const);
