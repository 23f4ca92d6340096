import { History, type ReadMessage, type SubmittedMessage } from 'indelible/testing';
import { describe, expect, it } from 'vitest';

const timestamp = '2026-11-23T10:00:00.000Z';

function message(messageId: string, content = messageId): SubmittedMessage & { content: string } {
  return { planId: 'p', messageId, agentName: 'Planner', content };
}

function row(sequence: number, messageId: string, content = messageId): ReadMessage {
  const rest = { agentName: 'Planner', agentType: 'agent', type: 'agent_message', metadata: {}, timestamp } as const;
  return { planId: 'p', messageId, sequence, content, ...rest };
}

/** A history in which one producer's a, b, c were acknowledged at 1, 2, 3. */
function threeAcknowledged(options = {}): History {
  const history = new History(options);
  for (const [index, id] of ['a', 'b', 'c'].entries()) history.submit('agent', message(id)).acknowledged(index + 1);
  return history;
}

const three = [row(1, 'a'), row(2, 'b'), row(3, 'c')];

describe('the oracle is content with', () => {
  it('a log that holds what was acknowledged, in order', () => {
    const history = threeAcknowledged({ oneClock: true });
    expect(history.violations(three)).toEqual([]);
    expect(() => history.verifyAgainst(three)).not.toThrow();
    expect(history.counts()).toEqual({ acknowledged: 3, refused: 0, unknown: 0 });
  });

  it.each([[[]], [[row(1, 'a')]], [[row(1, 'a'), row(2, 'b')]], [[row(1, 'b')]]])(
    'an unknown message that is there or is not: %j',
    (rows) => {
      const history = new History();
      history.submit('agent', message('a'));
      history.submit('agent', message('b'));
      expect(history.violations(rows)).toEqual([]);
    },
  );

  it('a message that was unknown, then submitted again and acknowledged, at either of its places', () => {
    const history = new History();
    history.submit('agent', message('a'));
    history.submit('agent', message('b')).acknowledged();
    history.submit('agent', message('a')).acknowledged();
    expect(history.violations([row(1, 'a'), row(2, 'b')])).toEqual([]);
    expect(history.violations([row(1, 'b'), row(2, 'a')])).toEqual([]);
  });

  it('a conflict whose first content is there', () => {
    const history = new History();
    history.submit('agent', message('a', 'first')).acknowledged(1);
    history.submit('agent', message('a', 'second')).refused('message_conflict');
    expect(history.violations([row(1, 'a', 'first')])).toEqual([]);
  });

  it('metadata with its keys in another order', () => {
    const history = new History();
    history.submit('agent', { ...message('a'), metadata: { x: 1, y: [{ p: 1, q: 2 }] } }).acknowledged();
    expect(history.violations([{ ...row(1, 'a'), metadata: { y: [{ q: 2, p: 1 }], x: 1 } }])).toEqual([]);
  });

  it('watchers that saw a gapless run from their cursor', () => {
    const history = threeAcknowledged();
    const fromStart = history.watch('from the start', 'p', 0);
    for (const seen of three) fromStart.saw(seen);
    fromStart.stayedToTheEnd();
    const dropped = history.watch('dropped', 'p', 1);
    dropped.saw(row(2, 'b'));
    history.watch('newest', 'p').saw(row(3, 'c'));
    history.watch('saw nothing', 'p', 0);
    expect(history.violations(three)).toEqual([]);
    expect(dropped.sequence).toBe(2);
  });
});

describe('the oracle says exactly what is wrong when', () => {
  it.each<[string, ReadMessage[], string]>([
    ['an acknowledged message is lost', three.slice(0, 2), 'plan p: c of agent is lost: it was acknowledged at 3'],
    ['all are lost', [], 'plan p: a of agent is lost'],
    ['a message is stored twice', [...three, row(4, 'b')], 'plan p: b is stored twice, at 2 and at 4'],
    ['a sequence is skipped', [row(1, 'a'), row(3, 'b'), row(4, 'c')], 'read at place 2 (b) has sequence 3'],
    ['a sequence is given twice', [row(1, 'a'), row(1, 'b'), row(2, 'c')], 'read at place 2 (b) has sequence 1'],
    ['the log does not begin with 1', [row(0, 'a'), row(1, 'b'), row(2, 'c')], 'read at place 1 (a) has sequence 0'],
    ['it is read out of order', [row(2, 'b'), row(1, 'a'), row(3, 'c')], 'read at place 1 (b) has sequence 2'],
    [
      'a message moved',
      [row(1, 'b'), row(2, 'a'), row(3, 'c')],
      'a of agent moved: it was acknowledged at 1 and stands at 2',
    ],
    ['content was changed', [row(1, 'a', 'A'), ...three.slice(1)], 'a at 1 was changed: submitted ["Planner"'],
    ['metadata was changed', [{ ...row(1, 'a'), metadata: { x: 0 } }, ...three.slice(1)], 'a at 1 was changed'],
    ['something else is there', [...three, row(4, 'd')], 'd at 4 was never submitted'],
  ])('%s', (_what, rows, violation) => {
    expect(threeAcknowledged().violations(rows).join('\n')).toContain(violation);
    expect(() => threeAcknowledged().verifyAgainst(rows)).toThrow('the log breaks');
  });

  it("a producer's messages are out of order", () => {
    const history = new History();
    for (const id of ['a', 'b', 'c']) history.submit('agent', message(id)).acknowledged();
    expect(history.violations([row(1, 'b'), row(2, 'a'), row(3, 'c')])).toEqual([
      'plan p: the order of agent is broken: a stands at 2, behind b at 1, but was submitted before it',
    ]);
  });

  it('an unknown message of a producer stands behind a later one', () => {
    const history = new History();
    history.submit('agent', message('a'));
    history.submit('agent', message('b')).acknowledged();
    expect(history.violations([row(1, 'b'), row(2, 'a')]).join()).toContain('the order of agent is broken');
  });

  it('a refused message is there', () => {
    const history = new History();
    history.submit('agent', message('a')).refused('store_refused');
    expect(history.violations([row(1, 'a')])).toEqual([
      'plan p: a at 1 is stored although every save of it was refused (store_refused)',
    ]);
  });

  it('the content of a conflict is there instead of the first', () => {
    const history = new History();
    history.submit('agent', message('a', 'first')).acknowledged(1);
    history.submit('agent', message('a', 'second')).refused('message_conflict');
    const said = history.violations([row(1, 'a', 'second')]).join('\n');
    expect(said).toContain('a at 1 was changed');
    expect(said).toContain('a of agent was acknowledged with content that is not stored');
  });

  it('a submitted timestamp was changed', () => {
    const history = new History();
    history.submit('agent', { ...message('a'), timestamp: '2020-01-01T00:00:00Z' }).acknowledged();
    expect(history.violations([row(1, 'a')]).join()).toContain(`with timestamp ${timestamp}`);
  });

  it('on one clock, a message stands before one that was acknowledged before it was submitted', () => {
    const history = new History({ oneClock: true });
    history.submit('first', message('a')).acknowledged();
    history.submit('second', message('b')).acknowledged();
    expect(history.violations([row(1, 'b'), row(2, 'a')])).toEqual([
      'plan p: b stands at 1, before a at 2, but was submitted after that one was acknowledged',
    ]);
    const concurrent = new History({ oneClock: true });
    const a = concurrent.submit('first', message('a'));
    concurrent.submit('second', message('b')).acknowledged();
    a.acknowledged();
    expect(concurrent.violations([row(1, 'b'), row(2, 'a')])).toEqual([]);
  });

  it.each<[string, ReadMessage[], string]>([
    ['misses one', [row(1, 'a'), row(3, 'c')], 'watcher w saw 3 (c) after 1'],
    ['misses the first', [row(2, 'b'), row(3, 'c')], 'watcher w saw 2 (b) after 0'],
    ['sees one twice', [row(1, 'a'), row(1, 'a')], 'watcher w saw 1 (a) after 1'],
    ['sees what is not stored', [...three, row(4, 'd')], 'watcher w saw 4 (d), which is not stored'],
    ['sees other content', [row(1, 'a', 'A')], 'watcher w saw 1 (a) other than it is stored (a)'],
    ['stays and misses the end', [row(1, 'a')], 'watcher w stayed, but saw only up to 1 of 3'],
  ])('a watcher %s', (_what, seen, violation) => {
    const history = threeAcknowledged();
    const watched = history.watch('w', 'p', 0);
    for (const one of seen) watched.saw(one);
    watched.stayedToTheEnd();
    expect(history.violations(three).join('\n')).toContain(violation);
  });
});
