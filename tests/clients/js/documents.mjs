// What every client asks, so that their answers can be compared.
export const QUERY = `
  query Stack($handle: String!) {
    stack(by: { handle: $handle }) { id handle title }
  }
`;

export const PAGE = `
  query Published($first: Int!, $after: Cursor) {
    credentialSpecs(first: $first, after: $after, filter: { state: PUBLISHED }) {
      totalCount
      edges { cursor node { id slug } }
      pageInfo { hasNextPage endCursor }
    }
  }
`;

export const CREATE = `
  mutation Create($input: CreateSpecInput!) {
    createSpec(input: $input) {
      clientMutationId
      spec { id slug }
      errors { __typename ... on UserError { code message path } }
    }
  }
`;

export const PAGE_SIZE = 4;

/** The input of CREATE; sent twice with one key it must have one effect. */
export function spec(name, run) {
  const slug = `${name}-${run}`;
  return {
    idempotencyKey: `${slug}-key-0123456789`,
    clientMutationId: name,
    slug,
    content: { title: `Made through ${name}`, language: 'en' },
  };
}

/** Ask page after page by `next(variables)`, which gives a connection; the slugs in their order. */
export async function pages(next) {
  const slugs = [];
  let after = null;
  for (let page = 0; page < 20; page += 1) {
    const found = await next({ first: PAGE_SIZE, after });
    slugs.push(...found.edges.map((edge) => edge.node.slug));
    if (!found.pageInfo.hasNextPage) return slugs;
    after = found.pageInfo.endCursor;
  }
  throw new Error('the list never ends');
}

/** The answer's data; throws when it has errors. */
export function data(answer) {
  if (answer.errors?.length) throw new Error(JSON.stringify(answer.errors));
  if (answer.error) throw answer.error;
  return answer.data;
}

/** A subscription as an async iterator. `start(sink)` begins it and gives what ends it. */
export function stream(start) {
  const waiting = [];
  const arrived = [];
  const push = (item) => (waiting.length ? waiting.shift()(item) : arrived.push(item));
  const end = start({
    next: (value) => push({ value }),
    error: (error) => push({ error }),
    complete: () => push({ done: true }),
  });
  return {
    async next() {
      const item = arrived.length ? arrived.shift() : await new Promise((resolve) => waiting.push(resolve));
      if (item.error) throw item.error;
      return item;
    },
    end,
  };
}
