// Everything that the learner's page asks; the tests hold them against the schema.

export const TEXTS_OF = /* GraphQL */ `
  query ConsentTexts($language: LanguageTag!) {
    consentTexts(language: $language) {
      purpose
      version
      title
      body
      inForce
    }
  }
`;

export const WHO = /* GraphQL */ `
  query Who {
    viewer {
      isLearner
    }
  }
`;

export const ME = /* GraphQL */ `
  query Me {
    viewer {
      learner {
        country
        region
        awards(first: 50) {
          nodes {
            url
            state
            earnedOn
            school {
              displayName
            }
            specVersion {
              semver
              content {
                title
              }
            }
          }
        }
        consents {
          purpose
          stands
          method
          grantedAt
          withdrawnAt
          receipt
          organization {
            displayName
          }
        }
        seenBy(first: 50) {
          nodes {
            viewedOn
            purpose
            organization {
              displayName
            }
          }
        }
      }
    }
  }
`;

export const CLAIM = /* GraphQL */ `
  mutation Claim($input: ClaimAwardInput!) {
    claimAward(input: $input) {
      errors {
        ... on UserError {
          code
          message
        }
      }
    }
  }
`;

export const ALLOW = /* GraphQL */ `
  mutation Allow($input: SetConsentInput!) {
    setConsent(input: $input) {
      errors {
        ... on UserError {
          code
          message
        }
      }
    }
  }
`;

export const LIVE_AT = /* GraphQL */ `
  mutation LiveAt($input: CorrectResidenceInput!) {
    correctResidence(input: $input) {
      errors {
        ... on UserError {
          code
          message
        }
      }
    }
  }
`;
