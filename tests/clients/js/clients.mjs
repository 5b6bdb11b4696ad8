// Every client does every step against one server; {client: {step: {data} or {error}}} as JSON.
import { text } from 'node:stream/consumers';
import * as apollo from './apollo.mjs';
import * as relay from './relay.mjs';
import { overEvents, overSocket } from './streams.mjs';
import * as urql from './urql.mjs';
import { WATCH, watched } from './watching.mjs';

const CLIENTS = {
  apollo: apollo.connect,
  urql: urql.connect,
  'urql-sse': (given) => urql.connect({ ...given, streaming: true }),
  sse: overEvents,
  ws: overSocket,
  relay: relay.connect,
};

// urql ends its own stream by aborting it, and nobody awaits the read that this ends.
process.on('unhandledRejection', (reason) => {
  if (reason?.name !== 'AbortError') throw reason;
});

const given = JSON.parse(await text(process.stdin));

const settled = async (step) => {
  try {
    return { data: await step() };
  } catch (error) {
    return { error: error?.stack ?? JSON.stringify(error) };
  }
};

const all = async (name) => {
  const client = CLIENTS[name](given);
  const said = {
    query: await settled(() => client.query({ handle: given.handle })),
    page: await settled(() => client.page()),
    mutate: await settled(() => client.mutate(name, given.run)),
    again: await settled(() => client.mutate(name, given.run)),
    refuse: await settled(() => client.refuse()),
  };
  if (given.watching.includes(name)) {
    const document = name === 'relay' ? 'documentsCreatedSubscription' : WATCH;
    const subscribe = (since) => client.subscribe(document, since === null ? {} : { since });
    said.subscribe = await settled(() => watched(name, given, subscribe));
  }
  if (client.accepts) said.accepts = { data: [...new Set(client.accepts)] };
  client.close();
  return [name, said];
};

const said = Object.fromEntries(await Promise.all(given.clients.map(all)));
process.stdout.write(JSON.stringify(said));
process.exit(0);
