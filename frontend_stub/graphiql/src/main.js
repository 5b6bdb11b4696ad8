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
const fetcher = createGraphiQLFetcher({
  url,
  subscriptionUrl: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${url}`,
  headers: visit.headers,
});

document.title = visit.role ? `${visit.role} · GraphiQL · Countersign` : document.title;

createRoot(document.getElementById('graphiql')).render(
  createElement(
    GraphiQL,
    {
      fetcher,
      storage: visitStorage(window.sessionStorage, visit.role),
      defaultTabs: tabsFor(visit.role, visit.headers),
      shouldPersistHeaders: true,
      showPersistHeadersSettings: false,
      defaultTheme: 'light',
    },
    createElement(
      GraphiQL.Logo,
      null,
      createElement('a', { href: '/', className: 'countersign-home' }, 'Countersign', visit.role ? ` · ${visit.role}` : ''),
    ),
  ),
);
