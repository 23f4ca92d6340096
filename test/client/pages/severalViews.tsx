/** Three components that show the same plan, one of them in renderings that may be interrupted. Counts what they see. */
import { createClient } from 'indelible/client';
import { IndelibleProvider, usePlan } from 'indelible/react';
import { StrictMode, useDeferredValue, useLayoutEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';

const query = new URLSearchParams(location.search);
const planId = query.get('plan') ?? '';
const seen = { torn: 0, sockets: 0, subscribes: 0, unsubscribes: 0 };
Object.assign(globalThis, { seen });

class CountedWebSocket extends WebSocket {
  constructor(url: string, protocols: string) {
    super(url, protocols);
    seen.sockets++;
  }

  override send(text: string): void {
    const { type } = JSON.parse(text);
    if (type === 'subscribe') seen.subscribes++;
    if (type === 'unsubscribe') seen.unsubscribes++;
    super.send(text);
  }
}

const client = createClient({ url: query.get('server') ?? '', webSocket: CountedWebSocket });

function View({ name }: { readonly name: string }) {
  const { messages } = usePlan(planId);
  const deferred = useDeferredValue(messages);
  const end = performance.now() + 1;
  while (performance.now() < end); // slow enough to be interrupted between two views
  return (
    <p data-view={name} data-count={messages.length}>
      {name} {messages.length} {deferred.length}
    </p>
  );
}

function Views() {
  const [isThere, setThere] = useState(true);
  useLayoutEffect(() => {
    const look = () => {
      const counts = new Set(
        [...document.querySelectorAll('[data-count]')].map((view) => view.getAttribute('data-count')),
      );
      if (counts.size > 1) seen.torn++;
    };
    const observer = new MutationObserver(look);
    observer.observe(document.body, { subtree: true, attributes: true, childList: true });
    return () => observer.disconnect();
  }, []);
  if (!isThere) return <p>gone</p>;
  return (
    <>
      <View name="one" />
      <View name="two" />
      <View name="three" />
      <button type="button" onClick={() => setThere(false)}>
        leave
      </button>
    </>
  );
}

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <IndelibleProvider client={client}>
      <Views />
    </IndelibleProvider>
  </StrictMode>,
);
