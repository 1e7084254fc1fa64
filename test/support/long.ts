/** The long form of the failure table, for nights: more rounds, and outages as long as people would wait. */
export const LONG = process.env.SEKISHO_LONG === '1';
