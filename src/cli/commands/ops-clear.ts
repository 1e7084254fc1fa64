import type { OverrideValue } from '../../record/operations-contract.ts';
import { type Command, type Option, optional, wantsJson } from '../command.ts';
import { actOptions, withOperator } from '../operator.ts';
import { print } from '../output.ts';
import { whoOf } from '../who.ts';
import { toldExit, toldJson, toldLine } from './ops-shared.ts';

/** What `ops … clear` of a kind of override says. */
export interface Clearing {
  readonly name: string;
  readonly kind: OverrideValue['kind'];
  readonly summary: string;
  readonly description?: readonly string[];
  /** Where it may be of one node. */
  readonly nodeOption?: Option;
  /** What is so from now on, such as `lifetimes are those of the policies again`. */
  readonly done: string;
}

/** A command that ends early what an operator has put in force for a while. */
export function clearCommand({ name, kind, nodeOption, done, ...said }: Clearing): Command {
  return {
    ...said,
    name,
    operands: [],
    options: [...(nodeOption === undefined ? [] : [nodeOption]), ...actOptions],
    examples: [`sekisho ${name}`],
    async run(call) {
      const node = nodeOption === undefined ? null : optional(call, nodeOption.name);
      const input = { by: whoOf(call), kind, node };
      const told = await withOperator(call, (operator) => operator.clearOverride(input));
      print(wantsJson(call), { cleared: true, ...toldJson(told) }, [toldLine(done, told)]);
      return toldExit(told);
    },
  };
}
