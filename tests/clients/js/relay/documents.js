// Documents as a Relay application writes them; relay-compiler checks them against `schema.graphql`.
import { graphql } from 'relay-runtime';

graphql`
  query documentsStackQuery($handle: String!) {
    stack(by: { handle: $handle }) {
      id
      handle
      title
    }
  }
`;

graphql`
  query documentsPublishedQuery($first: Int!, $after: Cursor) {
    ...documentsPublished @arguments(first: $first, after: $after)
  }
`;

graphql`
  fragment documentsPublished on Query
  @argumentDefinitions(first: { type: "Int!" }, after: { type: "Cursor" })
  @refetchable(queryName: "documentsPublishedPaginationQuery") {
    credentialSpecs(first: $first, after: $after, filter: { state: PUBLISHED })
      @connection(key: "documents_credentialSpecs") {
      edges {
        node {
          id
          slug
          ...documentsSpec
        }
      }
    }
  }
`;

graphql`
  fragment documentsSpec on CredentialSpec @refetchable(queryName: "documentsSpecRefetchQuery") {
    slug
  }
`;

graphql`
  mutation documentsCreateMutation($input: CreateSpecInput!) {
    createSpec(input: $input) {
      clientMutationId
      spec {
        id
        slug
      }
      errors {
        __typename
        ... on UserError {
          code
          message
          path
        }
      }
    }
  }
`;

graphql`
  subscription documentsCreatedSubscription($since: ID) {
    specChanged(kinds: [CREATED], sinceEventId: $since) {
      eventId
      kind
      spec {
        slug
      }
    }
  }
`;
