// urql: its fetch exchange with the Accept header that names many types, subscriptions over a socket or its own SSE.
import { Client, cacheExchange, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { CREATE, PAGE, QUERY, data, pages, spec, stream } from './documents.mjs';

export function connect({ url, socket, token, streaming }) {
  const authorization = `Bearer ${token}`;
  const sockets = createClient({
    url: socket,
    webSocketImpl: WebSocket,
    connectionParams: { authorization },
    retryAttempts: 0,
  });
  const overSocket = subscriptionExchange({
    forwardSubscription: (request) => ({
      subscribe: (sink) => ({ unsubscribe: sockets.subscribe({ ...request, query: request.query ?? '' }, sink) }),
    }),
  });
  const accepts = [];
  const client = new Client({
    url,
    preferGetMethod: false,
    exchanges: streaming ? [cacheExchange, fetchExchange] : [cacheExchange, overSocket, fetchExchange],
    fetchSubscriptions: Boolean(streaming),
    fetchOptions: { headers: { authorization } },
    fetch: (address, options) => {
      accepts.push(options.headers.accept);
      return fetch(address, options);
    },
  });

  return {
    accepts,

    query: async (variables) => data(await client.query(QUERY, variables).toPromise()),

    page: () => pages(async (variables) => data(await client.query(PAGE, variables).toPromise()).credentialSpecs),

    mutate: async (name, run) => data(await client.mutation(CREATE, { input: spec(name, run) }).toPromise()),

    refuse: async () => {
      const answer = await client.query('{ nothing }', {}).toPromise();
      return answer.error.graphQLErrors[0].extensions.code;
    },

    subscribe: (query, variables) =>
      stream((sink) => {
        const following = client.subscription(query, variables).subscribe((answer) => sink.next(answer));
        return () => following.unsubscribe();
      }),

    close: () => sockets.dispose(),
  };
}
