// Checks the model of the protocol and prints what was found; fails when a promise does not hold, or when a
// rule can be left out and nothing is noticed. With names of rules, prints the schedules that break them; with
// --late, looks also at proofs that are covered by entries that come after them, which takes twice the time.
import { check, promises, rules } from './model-checker.mjs';

const named = process.argv.slice(2).filter((word) => word !== '--late');
const late = process.argv.includes('--late') ? ['-DLATE'] : [];
const unknown = named.filter((name) => !rules.includes(name));
if (unknown.length > 0) {
  console.error(`No such rule: ${unknown.join(', ')}. There are ${rules.join(', ')}.`);
  process.exit(2);
}

let failed = false;
const seconds = (/** @type {{ seconds: number }} */ checked) => `${checked.seconds.toFixed(1)} s`;

/** @param {string} name @param {string[]} options */
async function promised(name, options) {
  const checked = await check(options);
  const holds = checked.complete;
  failed ||= !holds;
  const states = `${checked.states.toLocaleString('en')} states`;
  console.log(
    `${holds ? 'holds ' : 'FAILS '} ${name}: ${states}, all there are, ${seconds(checked)}`,
  );
  if (!holds) console.log([...checked.schedule, checked.output].join('\n'));
}

/** @param {string} rule */
async function broken(rule) {
  const checked = await check([`-DWITHOUT_${rule}`], { shortest: true });
  failed ||= checked.errors === 0;
  const steps = checked.schedule.filter((step) => !step.startsWith(' ')).length;
  const said =
    checked.errors > 0 ? `a promise is broken after ${steps} steps` : 'NO PROMISE IS BROKEN';
  console.log(`without ${rule}: ${said}, ${seconds(checked)}`);
  if (named.length > 0) console.log(checked.schedule.map((step) => `    ${step}`).join('\n'));
}

const proofs = named.length > 0 ? [] : promises;
// Two lanes: the two long ones, and beside them the many short ones.
await Promise.all([
  (async () => {
    for (const { name, options } of proofs) await promised(name, [...options, ...late]);
  })(),
  (async () => {
    for (const rule of named.length > 0 ? named : rules) await broken(rule);
  })(),
]);
process.exit(failed ? 1 : 0);
