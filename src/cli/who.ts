import { userInfo } from 'node:os';
import { type Call, type Option, optional } from './command.ts';

/** Who decides it, for the audit trail and whoever looks at it next. */
export const byOption: Option = Object.freeze({
  name: 'by',
  value: 'NAME',
  help: 'who decides it; default: the user of this shell',
});

/** Whoever became root by sudo is still who they are. */
export function whoOf(call: Call): string {
  return optional(call, 'by') ?? call.env.SUDO_USER ?? nameOfUser();
}

function nameOfUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A container's user may have no name.
    return 'operator';
  }
}
