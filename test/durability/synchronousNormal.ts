import { DatabaseSync } from 'node:sqlite';

/** For `node --import`. What must not be: commits that nobody asks the disk to keep, as `synchronous=NORMAL` makes them. */
const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function (sql: string) {
  return exec.call(this, sql.replace('synchronous = FULL', 'synchronous = NORMAL'));
};
