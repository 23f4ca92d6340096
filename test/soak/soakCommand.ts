/**
 * `npm run soak -- --minutes 30 --seed 1 --out docs/reports/soak.html`: agents save for that long while the database and
 * the processes fail. Writes the report, and beside it what it shows as JSON; `--from <that JSON>` writes the report of a
 * soak that was. Exits with 1 if a promise was broken.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { soakPage } from './report/page.ts';
import { runSoak } from './soak.ts';
import { longSoak } from './soakOptions.ts';
import type { SoakRecord } from './soakRecord.ts';
import { brokenPromises } from './soakRecord.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string' },
    from: { type: 'string' },
    help: { type: 'boolean' },
  },
});
const { minutes, seed, out, from, help } = values;
const usage = `npm run soak -- --out <report.html> [--minutes 30] [--seed 1] [--from <report.json>]

Agents save while the database and the processes fail; exits with 1 if a promise was broken.
  --out <report.html>   the report, and beside it what it shows as JSON
  --minutes <number>    how long (30)
  --seed <number>       which faults, when (1)
  --from <report.json>  writes the report of a soak that was`;
if (help || out === undefined || !out.endsWith('.html')) {
  if (help) console.log(usage);
  else console.error(`--out is missing: a file that ends in .html\n\n${usage}`);
  process.exit(help ? 0 : 2);
}

const record: SoakRecord =
  from === undefined
    ? await runSoak(longSoak(Number(minutes), Number(seed)), (line) => console.log(line))
    : JSON.parse(readFileSync(from, 'utf8'));
mkdirSync(dirname(out), { recursive: true });
writeFileSync(out.replace(/\.html$/, '.json'), JSON.stringify(record));
writeFileSync(out, soakPage(record));
const broken = brokenPromises(record);
for (const sentence of broken.slice(0, 20)) console.log(sentence);
console.log(broken.length === 0 ? `every promise was kept: ${out}` : `${broken.length} promises were broken: ${out}`);
process.exitCode = broken.length === 0 ? 0 : 1;
