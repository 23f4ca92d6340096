/**
 * Loaded before a program (`node --import`), it makes the time of day jump under it: at every reading it is anywhere within
 * an hour of the truth, on either side. Timers and durations go on unmoved.
 */
const hourMs = 3_600_000;
const trueNow = Date.now;

function jumped(): number {
  return trueNow() + Math.round((Math.random() * 2 - 1) * hourMs);
}

globalThis.Date = new Proxy(Date, {
  construct: (target, given, newTarget) =>
    Reflect.construct(target, given.length === 0 ? [jumped()] : given, newTarget),
  get: (target, property, receiver) => (property === 'now' ? jumped : Reflect.get(target, property, receiver)),
});
