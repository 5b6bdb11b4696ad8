// Every rule of GraphQL ESLint is an error here: for the schema (schema-all and schema-relay), for our documents
// (operations-all). What is turned off or narrowed says why.
import graphql from '@graphql-eslint/eslint-plugin'

export const presets = (...names) => Object.assign({}, ...names.map((name) => graphql.configs[`flat/${name}`].rules))
const named = (rules) => Object.fromEntries(Object.entries(rules).map(([name, value]) => [`@graphql-eslint/${name}`, value]))

// Parts of things, which are read with them and never by themselves.
const VALUES = [
  'AwardAbilities', 'BulkOperationAbilities', 'EndorsementAbilities', 'EndorsementProposalAbilities', 'ReviewRequestAbilities', 'SpecDraftAbilities',
  'SpecVersionAbilities', 'ViewerAbilities', 'DriftAlarmAbilities', 'ForeignEndorsementAbilities', 'PledgeAbilities', 'PledgeEntryAbilities',
  'ReviewCallAbilities', 'ReviewCommentAbilities', 'ReviewDraftAbilities', 'ReviewSuggestionAbilities', 'StatementSuggestionAbilities',
  'AlignedSkill', 'Assessment', 'AssessmentCoDesign', 'AssessorProvision', 'CandidateAward', 'CandidateFacets',
  'CandidateMatch', 'CaseProvision', 'ConfirmedTool', 'Consent', 'ConsentText', 'EndorserFacet', 'ForeignCheck', 'ForeignFetch', 'HiringPledge', 'Inbox',
  'InterviewGuarantee', 'KeptPromises', 'LearnerIdentity', 'LabourMarketEvidence', 'MatchContribution', 'NoticeChoice', 'Outcome', 'PageInfo', 'Price',
  'ProgressionRecognition', 'QualityAssurance', 'RateLimit', 'RegionFacet', 'ReviewCriterion', 'ReviewQueueEntry', 'ReviewScore', 'RubricCriterion',
  'ReviewDraftComment', 'ReviewDraftSuggestion',
  'RubricLevel', 'SalaryBand', 'Sighting', 'SkillLabel', 'SpecContent', 'Tool', 'ToolchainConfirmation', 'UnreadNotices',
  'Viewer',
  'WagePremium',
  'ConflictCheck', 'ConflictReason', 'ConflictStep', 'Disclosure', 'VacancyCount',
  'ProposedEvidence',
  'ChangeClassRow', 'ChangeClassWords', 'ChangeRequestAbilities', 'ChangeRequestStep', 'DraftChangeRequest', 'SpecChange', 'SpecVersionDiff', 'WordRun',
  'CoValidation', 'CoValidationCause', 'CoValidationChange', 'CountedEndorsement', 'ForeignFinding', 'QuorumDemands', 'QuorumGap', 'QuorumTally',
  'TieOutcome', 'UncountedEndorsement',
]

export const SCHEMA = {
  ...presets('schema-all', 'schema-relay'),
  ...named({
    // Stricter than the presets: everything says what it is; an input is named after its change.
    'require-description': ['error', {
      types: true, rootField: true, DirectiveDefinition: true, FieldDefinition: true, InputValueDefinition: true, EnumValueDefinition: true,
    }],
    'input-name': ['error', { checkInputType: true, caseSensitiveInputType: false }],

    // Narrowed: a list that cannot grow is a plain list; a candidate is no Node, because no id leads to one.
    'relay-edge-types': ['error', { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false }],
    // Narrowed: values have no id of their own. A type that is not listed here is a thing, and has one.
    'strict-id-in-types': ['error', { exceptions: { suffixes: ['Connection', 'Edge', 'Payload', 'Error', 'Event'], types: VALUES } }],

    // Off: members stand in the order in which they are read (identity, what it is, relations, lists).
    alphabetize: 'off',
    // Off: it forbids changes and subscriptions as such.
    'no-root-type': 'off',
    // Off: a payload answers what the change made, at the state that it left behind; another query is another request.
    'require-field-of-type-query-in-mutation-result': 'off',
    // Off: an answer comes whole or not at all (one statement), so a nullable list would promise what never happens.
    'require-nullable-result-in-root': 'off',
    // Off: the dates stand in the reason, in one form, which tests/schema/test_deprecation.py requires.
    'require-deprecation-date': 'off',
  }),
}

export const OPERATIONS = {
  ...presets('operations-all'),
  ...named({
    // Narrowed: a document is named after its operation, as files are named here.
    'match-document-filename': ['error', { query: 'snake_case', mutation: 'snake_case', subscription: 'snake_case' }],

    // Off: a tab is read by people: fields stand in the order of its story.
    alphabetize: 'off',
    // Off: and it asks for what it shows; ids are for caches.
    'require-selections': 'off',
  }),
}

// A look-up serves the tab of its name.
export const LOOKUPS = { ...OPERATIONS, '@graphql-eslint/match-document-filename': 'off' }

// The flat configuration for a folder with `schema.graphql` and `operations/`.
export function configuration(folder) {
  const graphQLConfig = { schema: `${folder}/schema.graphql`, documents: `${folder}/operations/*.graphql` }
  const languageOptions = { parser: graphql.parser, parserOptions: { graphQLConfig } }
  const common = { plugins: { '@graphql-eslint': graphql }, languageOptions, linterOptions: { noInlineConfig: true } }
  return [
    { files: ['schema.graphql'], ...common, rules: SCHEMA },
    { files: ['operations/*.graphql'], ...common, rules: OPERATIONS },
    { files: ['operations/*.lookup.graphql'], ...common, rules: LOOKUPS },
  ]
}
