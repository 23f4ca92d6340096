import {
  createContext,
  createElement,
  type PropsWithChildren,
  type ReactElement,
  useCallback,
  useContext,
  useMemo,
  useRef,
  useSyncExternalStore,
} from 'react';
import type { Client } from './client.ts';
import { ClientError } from './clientError.ts';
import type { PlanList } from './planList.ts';
import { type PlanListSnapshot, unloaded } from './planList.ts';
import { type PlanSnapshot, unwatched } from './planSnapshot.ts';

const ClientContext = createContext<Client | undefined>(undefined);

/** Gives a client, made once outside of components, to the hooks of the components in it. */
export function IndelibleProvider({ client, children }: PropsWithChildren<{ readonly client: Client }>): ReactElement {
  return createElement(ClientContext.Provider, { value: client }, children);
}

export interface PlanInUse extends PlanSnapshot {
  /** This user has read up to `sequence`, or all there is. */
  readonly markRead: (sequence?: number) => void;
}

/**
 * A plan, watched while the component is there; components that show the same plan share one subscription, and see the
 * same of it in one rendering. The answer is the same object until something changes; so is each message in it. On a
 * server, and until the effect has run, it is empty and `connecting`.
 */
export function usePlan(planId: string): PlanInUse {
  const client = useClient();
  const subscribe = useCallback(
    (listener: () => void) => {
      const plan = client.plan(planId);
      plan.subscribe(listener);
      return () => plan.close();
    },
    [client, planId],
  );
  const snapshot = useSyncExternalStore(
    subscribe,
    () => client.snapshot(planId),
    () => unwatched,
  );
  const markRead = useCallback(
    (sequence?: number) => {
      const plan = client.plan(planId);
      plan.markRead(sequence);
      plan.close();
    },
    [client, planId],
  );
  return useMemo(() => ({ ...snapshot, markRead }), [snapshot, markRead]);
}

/** A list of plans with their unread counts, kept up to date while the component is there. See `client.plans`. */
export function usePlans(planIds?: readonly string[]): PlanListSnapshot {
  const client = useClient();
  const list = useRef<PlanList>(undefined);
  const key = JSON.stringify(planIds);
  const subscribe = useCallback(
    (listener: () => void) => {
      const own = client.plans(key === undefined ? undefined : JSON.parse(key));
      own.subscribe(listener);
      list.current = own;
      return () => own.close();
    },
    [client, key],
  );
  return useSyncExternalStore(
    subscribe,
    () => list.current?.snapshot ?? unloaded,
    () => unloaded,
  );
}

/** The client of the provider above. */
export function useClient(): Client {
  const client = useContext(ClientContext);
  if (client !== undefined) return client;
  throw new ClientError('invalid_config', 'there is no <IndelibleProvider client={…}> above this component', {
    field: 'client',
  });
}
