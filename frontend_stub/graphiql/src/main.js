import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './style.css';

import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { createElement } from 'react';
import { createRoot } from 'react-dom/client';

import { readVisit, visitStorage } from './visit.js';
import { tabsFor } from './tabs.js';

const url = '/graphql';
const visit = readVisit(window);
const headers = { 'x-countersign': '1', ...visit.headers }; // without it the cookie of a session is refused
const fetcher = createGraphiQLFetcher({
  url,
  subscriptionUrl: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${url}`,
  headers,
});

async function ask(query) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
    body: JSON.stringify({ query }),
  });
  return (await answer.json()).data ?? {};
}

document.title = visit.role ? `${visit.role} · GraphiQL · Countersign` : document.title;

const storage = visitStorage(window.sessionStorage, visit.role);
const defaultTabs = await tabsFor(visit.role, visit.headers, ask);
// GraphiQL fills the first tab's variables and headers only from these, and not when it restores tabs.
const first = storage.getItem('graphiql:tabState') === null ? defaultTabs[0] : {};

createRoot(document.getElementById('graphiql')).render(
  createElement(
    GraphiQL,
    {
      fetcher,
      storage,
      defaultTabs,
      initialQuery: first.query,
      initialVariables: first.variables,
      initialHeaders: first.headers,
      shouldPersistHeaders: true,
      showPersistHeadersSettings: false,
      defaultEditorToolsVisibility: 'variables',
      defaultTheme: 'light',
    },
    createElement(
      GraphiQL.Logo,
      null,
      createElement('a', { href: '/', className: 'countersign-home' }, 'Countersign', visit.role ? ` · ${visit.role}` : ''),
    ),
  ),
);
