// The tabs each role finds open. Every operation is checked against schema.graphql by the tests.

const operations = import.meta.glob('./operations/*.graphql', { query: '?raw', import: 'default', eager: true });
const variables = import.meta.glob('./operations/*.json', { import: 'default', eager: true });

const TABS = {
  '': ['catalogue', 'stacks', 'block'],
  recruiter: ['find_graduates', 'stacks', 'block'],
  reviewer: ['block', 'waiting', 'endorse'],
  school: ['our_blocks', 'block', 'waiting'],
  learner: ['my_awards', 'consent'],
};

export function tabsFor(role, headers) {
  const names = (TABS[role] ?? TABS['']).filter((name) => `./operations/${name}.graphql` in operations);
  return names.map((name) => ({
    query: operations[`./operations/${name}.graphql`],
    variables: pretty(variables[`./operations/${name}.json`]),
    headers: pretty(Object.keys(headers).length ? headers : undefined),
  }));
}

function pretty(value) {
  return value === undefined ? '' : JSON.stringify(value, null, 2);
}
