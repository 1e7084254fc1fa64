/** Checks the imports inside src/ against tools/imports/rules.mjs: their direction, and what is loaded with what. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readImports, sourceFiles } from './imports/graph.mjs';
import { judge } from './imports/judge.mjs';
import { judgeReach } from './imports/reach.mjs';
import { packageRules, reachRules, rules } from './imports/rules.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const files = sourceFiles(root);
const imports = readImports(root);
const dependencies = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
const wrong = [
  ...judge(files, imports, { rules, packageRules, dependencies }),
  ...judgeReach(files, imports, reachRules),
];

for (const line of wrong) console.error(line);
if (wrong.length > 0) process.exit(1);
console.log(`imports: ${imports.length} in ${files.length} files, all in the allowed direction`);
