// A job board: a second subgraph, which names our things by their keys and gives them its vacancies.
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'

import { buildSubgraphSchema } from '@apollo/subgraph'
import { graphql, parse } from 'graphql'

export const SDL = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])

  type Query {
    vacancies(first: Int = 10): [Vacancy!]!
    vacancy(id: ID!): Vacancy
  }

  type Vacancy @key(fields: "id") {
    id: ID!
    title: String!
    asks: [Skill!]!
    wants: [CredentialSpec]!
    employer: Organization
  }

  type Skill @key(fields: "uri") { uri: String!, vacancies: [Vacancy!]! }
  type CredentialSpec @key(fields: "slug") { slug: String!, vacancies: [Vacancy!]! }
  type Organization @key(fields: "id") { id: ID!, vacancies: [Vacancy!]! }
`

// Serves vacancies {id, title, asks: [skill URI], wants: [spec slug], employer: organization id}; answers its address.
export async function serveJobs(vacancies) {
  const named = (__typename, key) => (value) => ({ __typename, [key]: value })
  const whose = (choose) => (thing) => vacancies.filter((vacancy) => choose(vacancy, thing))
  const resolvers = {
    Query: {
      vacancies: (_, { first }) => vacancies.slice(0, first),
      vacancy: (_, { id }) => vacancies.find((vacancy) => vacancy.id === id),
    },
    Vacancy: {
      __resolveReference: ({ id }) => vacancies.find((vacancy) => vacancy.id === id),
      asks: (vacancy) => vacancy.asks.map(named('Skill', 'uri')),
      wants: (vacancy) => vacancy.wants.map(named('CredentialSpec', 'slug')),
      employer: (vacancy) => named('Organization', 'id')(vacancy.employer),
    },
    Skill: { vacancies: whose((vacancy, skill) => vacancy.asks.includes(skill.uri)) },
    CredentialSpec: { vacancies: whose((vacancy, spec) => vacancy.wants.includes(spec.slug)) },
    Organization: { vacancies: whose((vacancy, organization) => vacancy.employer === organization.id) },
  }
  const schema = buildSubgraphSchema({ typeDefs: parse(SDL), resolvers })
  return serve(async (request, response) => {
    const { query, variables, operationName } = await json(request)
    const answer = await graphql({ schema, source: query, variableValues: variables, operationName })
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
  })
}

// Serves on a free port of this machine; answers the server's address and a function that closes it.
export async function serve(listener) {
  const server = createServer(listener)
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  const close = () => new Promise((done) => { server.close(done); server.closeAllConnections() })
  return { url: `http://127.0.0.1:${server.address().port}/graphql`, close }
}
