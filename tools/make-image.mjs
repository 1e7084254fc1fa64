/**
 * The last step of the build: the image of a migrated empty database, from which a first start takes its own instead of
 * running initdb and the migrations. Nothing to do when the one in dist/ is of the same migrations, functions and PGlite.
 */
import { statSync } from 'node:fs';

const built = new URL('../dist/record/pglite/image.js', import.meta.url).href;
/** @type {typeof import('../src/record/pglite/image.ts')} */
const { writeImage } = await import(built);
const path = await writeImage();
console.error(`image of the database: ${(statSync(path).size / 1e6).toFixed(2)} MB`);
