/** The operator at the machine, as the log names who revoked. */
export const ACTOR = Object.freeze({ kind: 'operator', name: 'operator' } as const);
