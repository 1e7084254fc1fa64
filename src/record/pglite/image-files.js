import { MemoryFS } from '@electric-sql/pglite';

/**
 * The files of a database in memory, put there from an image in one pass. PGlite's own way (`loadDataDir`) looks every folder of
 * every path up, and copies all of it three times: a third of opening it.
 *
 * Plain JavaScript, as `worker.js` is.
 */
export class ImageFiles extends MemoryFS {
  #entries;

  /** @param {Iterable<import('./tar.ts').TarEntry>} entries  what they hold is this class's from now on */
  constructor(entries) {
    super();
    this.#entries = entries;
  }

  /** Called once, after the folder of the database was mounted and before it is opened. @override */
  async initialSyncFs() {
    const files = this.pg?.Module.FS;
    if (files === undefined) throw new Error('The database has no files.');
    /** @type {Set<string>} */
    const made = new Set();
    for (const { name, kind, bytes } of this.#entries) {
      const path = `${FOLDER}/${name}`;
      const folder = kind === 'folder' ? path : path.slice(0, path.lastIndexOf('/'));
      if (!made.has(folder)) {
        files.mkdirTree(folder);
        made.add(folder);
      }
      if (kind === 'file') files.writeFile(path, bytes, { canOwn: true });
    }
    this.#entries = [];
  }
}

/** Where PGlite keeps its database among its files. */
const FOLDER = '/pglite/data';
