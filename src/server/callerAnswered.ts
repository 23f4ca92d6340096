import type { ServerResponse } from 'node:http';
import type { Clock } from '../resilience/clock.ts';

/**
 * How long whoever called has for reading the answer before the run that goes on with it shows anything, in ms. Answer and
 * frames go over two connections, which keep no order among each other, and the web app drops frames that come first.
 */
const leadMs = 150;

/**
 * Settles when the answer to a request has been written, and has had its lead; or the caller is gone. Without a connection
 * (the app is called as a function) the lead is all there is.
 */
export async function callerAnswered(outgoing: ServerResponse | undefined, clock: Clock): Promise<void> {
  if (outgoing !== undefined) await written(outgoing);
  await new Promise<void>((resolve) => clock.schedule(leadMs, resolve));
}

function written(outgoing: Pick<ServerResponse, 'once' | 'writableFinished' | 'destroyed'>): Promise<void> {
  return new Promise((resolve) => {
    if (outgoing.writableFinished || outgoing.destroyed) resolve();
    outgoing.once('finish', resolve);
    outgoing.once('close', resolve);
  });
}
