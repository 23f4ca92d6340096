import { type FaultRecord, mayGrowMiB, type SoakRecord } from '../soakRecord.ts';
import type { Verdict } from '../verdict.ts';
import { clock, faultColours } from './chart.ts';

/** Every fault there was, in two columns. */
export function faultTables(faults: readonly FaultRecord[]): string {
  const half = Math.ceil(faults.length / 2);
  const parts = [faults.slice(0, half), faults.slice(half)].map(faultTable);
  return (
    `<div class="halves">${parts.join('')}</div>` +
    '<p><small>On disk: the most messages that waited in all spools together. Drained: seconds from the end of the fault ' +
    'until no spool held any, as seen once a second; – if the next fault came first. A process is away until it works ' +
    'again, for which it needs the database.</small></p>'
  );
}

function faultTable(faults: readonly FaultRecord[]): string {
  const rows = faults.map(({ what, of, from, to, mostSpooled, drainedAt }) => {
    const colour = of === 'database' ? faultColours[what] : '#475569';
    const name = of === 'database' ? `database ${what}` : what;
    const drained = drainedAt === null ? '–' : Math.max(0, drainedAt - to).toFixed(0);
    const spool = of === 'database' ? [mostSpooled.toLocaleString('en'), drained] : ['', ''];
    return (
      `<tr><td class="n">${clock(from)}</td><td><i class="dot" style="background:${colour}"></i>${name}</td>` +
      `<td class="n">${(to - from).toFixed(1)}</td><td class="n">${spool[0]}</td><td class="n">${spool[1]}</td></tr>`
    );
  });
  return (
    '<table><thead><tr><th class="n">at</th><th>what</th><th class="n">s</th><th class="n">on disk</th>' +
    `<th class="n">drained</th></tr></thead><tbody>${rows.join('')}</tbody></table>`
  );
}

export function memoryTable({ memory, starts, options }: SoakRecord): string {
  if (options.warmUpMs === 0) return '<p>Not measured: there was no warm-up.</p>';
  const rows = memory.map(({ name, beforeMiB, afterMiB, heapMiB, mostMiB, livedOn }) => {
    const growth = beforeMiB === null || afterMiB === null ? undefined : afterMiB - beforeMiB;
    const said = growth === undefined ? 'killed after the warm-up' : `${growth > 0 ? '+' : ''}${growth.toFixed(1)}`;
    const count = starts.find((one) => one.name === name)?.starts ?? 0;
    return (
      `<tr><td>${name}</td><td class="n">${count}</td><td class="n">${beforeMiB ?? '–'}</td>` +
      `<td class="n">${afterMiB ?? '–'}</td><td class="n">${livedOn ? `<b>${said}</b>` : said}</td>` +
      `<td class="n">${mostMiB}</td><td class="n">${heapMiB[0] ?? '–'}</td><td class="n">${heapMiB[1] ?? '–'}</td></tr>`
    );
  });
  const warmUp = clock(options.warmUpMs / 1_000);
  return (
    '<table class="narrow"><thead><tr><th>process</th><th class="n">started</th><th class="n">after the warm-up, MiB</th>' +
    '<th class="n">at the end, MiB</th><th class="n">growth, MiB</th><th class="n">most, MiB</th><th class="n">JS heap, before</th><th class="n">and after</th></tr></thead>' +
    `<tbody>${rows.join('')}</tbody></table><p><small>Warm-up ${warmUp}, under faults, in whose first third any process may be killed. ` +
    'After that server 2 and host 2 are left alive, so that their growth can be measured; server 1 and host 1 go on being ' +
    `killed. At most ${mayGrowMiB} MiB are promised.</small></p>`
  );
}

export function whatWasDone({ options, saves }: SoakRecord, verdict: Verdict): string {
  const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0).toLocaleString('en');
  const seconds = ([from, to]: readonly [number, number]) => `${from / 1_000} to ${to / 1_000} s`;
  const { acknowledged, unknown } = verdict.counts;
  const items = [
    'One PostgreSQL behind a network of ours, two <code>indelible serve</code>, two processes of our own that hold the log ' +
      'open with agents inside, each of the four with a spool file of its own.',
    'Each agent writes its next message 20 to 200 ms after the last was acknowledged (<i>stored</i>, or <i>spooled</i>: on ' +
      'the disk of the server). What is answered in any other way, or not at all, it sends again with the same id until ' +
      'it is acknowledged. Of ten agents eight write over HTTP, two of them with three requests in flight; two live inside ' +
      'a process, and some of those save up to four at once.',
    `The database is away for ${seconds(options.faultMs)} at a time, and well for ${seconds(options.wellMs)} in between; ` +
      `every ${seconds(options.betweenKillsMs)} a process is killed with SIGKILL and started again after ` +
      `${seconds(options.awayMs)}. Everything random follows from the seed, but for what time makes of it.`,
    `One watcher for each plan, over <code>/api/v3</code> WebSockets that last ${seconds(options.connectedMs)} and come back ` +
      `at either server: ${verdict.connections.toLocaleString('en')} connections, ` +
      `${verdict.seen.toLocaleString('en')} messages seen, ${verdict.seenSpooled.toLocaleString('en')} more ` +
      'as spooled, before they had a place: those are not shown again to the same socket, and count at the place they came to.',
    `Tries to save: ${total(saves.stored)} stored, ${total(saves.spooled)} spooled, ${total(saves.pending)} pending, ` +
      `${total(saves.refused)} refused, ${total(saves.unanswered)} without an answer.`,
    `<b>The oracle</b>, over ${verdict.producers.toLocaleString('en')} producers in ${verdict.plans} plans: every ` +
      'acknowledged message is in the database; nothing is there that was not submitted; each id once; content equal; ' +
      'sequence 1..n without gaps; each producer’s messages in the order of writing; every WebSocket a gapless run, and ' +
      `the last one of each plan to the end. ${acknowledged.toLocaleString('en')} submissions were acknowledged, ` +
      `${unknown.toLocaleString('en')} ended unknown (sent again elsewhere, or their process was killed). ` +
      'Producers write down what they submit and what they are told in files that outlive them.',
    '<b>Order is promised for each server</b> (each spool). An agent that stays with its server, and waits for it when it ' +
      'is killed, is in order as a whole: the server that comes back takes over the spool. One that fails over to another ' +
      'server does not wait for what the first still holds on its disk: those messages come into the log when that server is ' +
      'back, behind what was written meanwhile. Two agents in ten fail over here; each is a producer ' +
      'of its own at each server.',
  ];
  return `<ul>${items.map((item) => `<li>${item}</li>`).join('')}</ul>`;
}
