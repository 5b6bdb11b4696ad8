// Apollo Client 4: HttpLink, its cache with Relay's pagination, GraphQLWsLink for subscriptions.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import { OperationTypeNode } from 'graphql';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { CREATE, PAGE, PAGE_SIZE, QUERY, data, pages, spec, stream } from './documents.mjs';

export function connect({ url, socket, token }) {
  const authorization = `Bearer ${token}`;
  const sockets = createClient({
    url: socket,
    webSocketImpl: WebSocket,
    connectionParams: { authorization },
    retryAttempts: 0,
  });
  const client = new ApolloClient({
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(sockets),
      new HttpLink({ uri: url, headers: { authorization } }),
    ),
    cache: new InMemoryCache({
      typePolicies: { Query: { fields: { credentialSpecs: relayStylePagination(['filter']) } } },
    }),
  });

  return {
    query: async (variables) => data(await client.query({ query: gql(QUERY), variables })),

    // The cache joins the pages: what is read at the end is one list.
    page: async () => {
      const watched = client.watchQuery({ query: gql(PAGE), variables: { first: PAGE_SIZE, after: null } });
      const following = watched.subscribe({});
      await pages(async ({ after }) =>
        after === null
          ? data(await watched.refetch()).credentialSpecs
          : data(await watched.fetchMore({ variables: { after } })).credentialSpecs,
      );
      following.unsubscribe();
      const joined = client.readQuery({ query: gql(PAGE), variables: { first: PAGE_SIZE } });
      return joined.credentialSpecs.edges.map((edge) => edge.node.slug);
    },

    mutate: async (name, run) =>
      data(await client.mutate({ mutation: gql(CREATE), variables: { input: spec(name, run) } })),

    refuse: async () => {
      const answer = await client.query({ query: gql('{ nothing }'), errorPolicy: 'all' });
      return answer.error.errors[0].extensions.code;
    },

    subscribe: (query, variables) =>
      stream((sink) => {
        const following = client.subscribe({ query: gql(query), variables }).subscribe(sink);
        return () => following.unsubscribe();
      }),

    close: () => {
      client.stop();
      sockets.dispose();
    },
  };
}
