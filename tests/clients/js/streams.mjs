// graphql-sse and graphql-ws: every kind of operation through one way of subscribing.
import { createClient as createEvents } from 'graphql-sse';
import { createClient as createSockets } from 'graphql-ws';
import WebSocket from 'ws';
import { CREATE, PAGE, QUERY, data, pages, spec, stream } from './documents.mjs';

export function overEvents({ url, token }) {
  return over(createEvents({ url, headers: { authorization: `Bearer ${token}` }, retryAttempts: 0 }));
}

export function overSocket({ socket, token }) {
  const connectionParams = { authorization: `Bearer ${token}` };
  return over(createSockets({ url: socket, webSocketImpl: WebSocket, connectionParams, retryAttempts: 0 }));
}

function over(client) {
  const once = (query, variables) =>
    new Promise((resolve, reject) => {
      const answers = [];
      client.subscribe(
        { query, variables },
        {
          next: (answer) => answers.push(answer),
          error: reject,
          complete: () =>
            answers.length === 1 ? resolve(answers[0]) : reject(new Error(`${answers.length} answers`)),
        },
      );
    });

  return {
    query: async (variables) => data(await once(QUERY, variables)),
    page: () => pages(async (variables) => data(await once(PAGE, variables)).credentialSpecs),
    mutate: async (name, run) => data(await once(CREATE, { input: spec(name, run) })),
    refuse: async () => {
      // A socket says it by an `error` message, a stream by an answer with errors.
      const errors = await once('{ nothing }').then((answer) => answer.errors, (failed) => failed);
      return errors[0].extensions.code;
    },
    subscribe: (query, variables) => stream((sink) => client.subscribe({ query, variables }, sink)),
    close: () => client.dispose(),
  };
}
