/**
 * A page that shows a plan as its agents write it. With a server on port 4000 (`npx indelible serve`):
 *
 *     npm install indelible react react-dom vite && npx vite examples/react
 *
 * and open the page with `?plan=<id>`; `npx indelible list` says which there are. `&server=` names another server.
 * Reload it in the middle of an answer, or stop the server and start it again: nothing is missing, nothing is there twice.
 */
import { createClient } from 'indelible/client';
import { IndelibleProvider } from 'indelible/react';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Conversation } from './Conversation.tsx';

const query = new URLSearchParams(location.search);

const client = createClient({
  url: query.get('server') ?? 'http://127.0.0.1:4000',
  userId: 'example-reader',
  storage: sessionStorage, // a reload shows at once what was there, and asks the server only for the rest
});

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <IndelibleProvider client={client}>
      <Conversation planId={query.get('plan') ?? 'trip-1'} />
    </IndelibleProvider>
  </StrictMode>,
);
