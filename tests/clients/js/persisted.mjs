// Apollo Client asks by the digest of its document: what it sends, by POST and by GET, and what it gets.
import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { print } from 'graphql';

const { url } = JSON.parse(await text(process.stdin));
const QUERY = gql`query Handles { organizations(first: 1) { nodes { handle } } }`;

const ask = async (useGETForHashedQueries) => {
  const sent = [];
  const documents = [];
  const watched = async (address, options) => {
    const answer = await fetch(address, options);
    sent.push(`${options.method} ${answer.status}`);
    return answer;
  };
  const generateHash = (document) => {
    documents.push(print(document));
    return createHash('sha256').update(print(document)).digest('hex');
  };
  const link = new PersistedQueryLink({ generateHash, useGETForHashedQueries });
  const client = new ApolloClient({
    link: link.concat(new HttpLink({ uri: url, fetch: watched })),
    cache: new InMemoryCache(),
  });
  const { data } = await client.query({ query: QUERY });
  return { sent, document: documents[0], handles: data.organizations.nodes.length };
};

process.stdout.write(JSON.stringify({ post: await ask(false), get: await ask(true) }));
