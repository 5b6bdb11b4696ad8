// Relay's runtime over what relay-compiler made: its store, connections, and the texts that it persisted.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createClient } from 'graphql-ws';
import relay from 'relay-runtime';
import WebSocket from 'ws';
import { PAGE_SIZE, data, spec, stream } from './documents.mjs';

const { Environment, Network, Observable, RecordSource, Store, commitMutation, fetchQuery, requestSubscription } = relay;
const { createOperationDescriptor, getPaginationVariables, getSingularSelector } = relay;

export function connect({ url, socket, token, compiled }) {
  const texts = JSON.parse(readFileSync(join(compiled, 'persisted.json'), 'utf8'));
  const artifact = (name) => createRequire(join(compiled, 'out', '/'))(`./${name}.graphql.js`);
  const authorization = `Bearer ${token}`;
  const sockets = createClient({
    url: socket,
    webSocketImpl: WebSocket,
    connectionParams: { authorization },
    retryAttempts: 0,
  });
  const ask = async ({ id, text, name }, variables) => {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', accept: 'application/graphql-response+json' },
      body: JSON.stringify({ query: text ?? texts[id], variables, operationName: name }),
    });
    return answer.json();
  };
  const follow = ({ id, text }, variables) =>
    Observable.create((sink) => sockets.subscribe({ query: text ?? texts[id], variables }, sink));
  const environment = new Environment({
    network: Network.create(ask, follow),
    store: new Store(new RecordSource()),
  });
  const fetched = (name, variables) => fetchQuery(environment, artifact(name), variables).toPromise();
  // Kept from Relay's garbage collection for as long as the script runs.
  const keep = (name, variables) => {
    const operation = createOperationDescriptor(artifact(name), variables);
    environment.retain(operation);
    return operation;
  };

  return {
    query: (variables) => fetched('documentsStackQuery', variables),

    // As `usePaginationFragment` does: the next page's variables come from the fragment, the store joins the pages.
    page: async () => {
      const fragment = artifact('documentsPublished');
      const variables = { first: PAGE_SIZE, after: null };
      const operation = keep('documentsPublishedQuery', variables);
      await fetched('documentsPublishedQuery', variables);
      const shown = () => {
        const root = environment.lookup(operation.fragment).data;
        return environment.lookup(getSingularSelector(fragment, root)).data.credentialSpecs;
      };
      const paging = fragment.metadata.connection[0];
      while (shown().pageInfo.hasNextPage) {
        const wanted = getPaginationVariables(
          'forward', PAGE_SIZE, shown().pageInfo.endCursor, variables, {}, { forward: { count: 'first', cursor: 'after' } },
        );
        if (paging.direction !== 'forward') throw new Error('the fragment pages forward');
        await fetched('documentsPublishedPaginationQuery', wanted);
      }
      return shown().edges.map((edge) => edge.node.slug);
    },

    mutate: (name, run) =>
      new Promise((resolve, reject) => {
        commitMutation(environment, {
          mutation: artifact('documentsCreateMutation'),
          variables: { input: spec(name, run) },
          onCompleted: (given, errors) => (errors ? reject(new Error(JSON.stringify(errors))) : resolve(given)),
          onError: reject,
        });
      }),

    // Refetches a node by its id, through `node`.
    refetch: async (variables) => fetched('documentsSpecRefetchQuery', variables),

    refuse: async () => (await ask({ text: '{ nothing }' }, {})).errors[0].extensions.code,

    subscribe: (name, variables) =>
      stream((sink) => {
        const following = requestSubscription(environment, {
          subscription: artifact(name),
          variables,
          onNext: (given) => sink.next({ data: given }),
          onError: sink.error,
          onCompleted: sink.complete,
        });
        return () => following.dispose();
      }),

    close: () => sockets.dispose(),
  };
}
