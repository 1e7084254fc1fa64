/** What a node that answers without knowing breaks: one of these, whichever comes first. */
export const ANYTHING = ['Bound', 'Early return', 'FRESH'] as const;
