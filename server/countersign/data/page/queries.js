// What the page asks the API. The tests check every operation against schema.graphql.

export const PAGE = `
  query Page {
    credentialSpecs(first: 50, filter: { state: PUBLISHED }) {
      totalCount
      nodes {
        title
        kind
        school { displayName }
        currentVersion {
          semver
          coValidated
          content { language }
          endorsements(first: 10, filter: { live: true }) {
            nodes { endorser { displayName } }
          }
        }
      }
    }
    endorsements(first: 1, filter: { live: true }) { totalCount }
    stack(by: { handle: "product-analyst" }) { id title }
  }
`;

export const FOUND = `
  query Found($stack: ID!) {
    searchCandidates(first: 1, stack: $stack) { totalCount }
  }
`;

// For whom somebody who is signed in may act.
export const PLACES = `
  query Places {
    viewer { memberships { roles organization { displayName } } }
  }
`;
