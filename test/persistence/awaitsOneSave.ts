/** A script whose only business is one save, to a database that is away three times. */
import { MessagePersistenceService } from '../../src/persistence/messagePersistenceService.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { withFaults } from '../../src/testing/faultyStore.ts';

const { store, faults } = withFaults(openSqliteStore(':memory:'));
let calls = 0;
faults.script = () => (++calls <= 3 ? 'unavailable' : 'none');
const service = new MessagePersistenceService({ log: store.log, backoff: { initialDelayMs: 20, maxDelayMs: 50 } });
const result = await service.save({ planId: 'plan', agentName: 'Planner', content: 'text' });
console.log(`${result.status} after ${result.retries} retries`);
