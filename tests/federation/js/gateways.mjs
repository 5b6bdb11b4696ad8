// One gateway in front of a served Countersign and the job board. Standard input: {gateway, countersign, vacancies, asked:
// {name: {query, variables, token}}}; standard output: {name: {status, answer, sent}}, where `sent` is what the gateway asked of
// Countersign for that request, as it passed a recorder on the way.
import { json, text } from 'node:stream/consumers'

import { composeServices } from '@apollo/composition'
import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway'
import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime'
import { parse } from 'graphql'

import { SDL, serve, serveJobs } from './jobs.mjs'

const { gateway, countersign, vacancies, asked } = JSON.parse(await text(process.stdin))
// Apollo's gateway would tell its maker how it is used.
process.env.APOLLO_TELEMETRY_DISABLED = 'true'
let sent = []

const recorder = await serve(async (request, response) => {
  const body = await json(request)
  sent.push({ ...body, authorized: 'authorization' in request.headers })
  const headers = { 'content-type': 'application/json' }
  for (const name of ['accept', 'authorization']) if (request.headers[name]) headers[name] = request.headers[name]
  const answer = await fetch(countersign, { method: 'POST', headers, body: JSON.stringify(body) })
  response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') })
  response.end(await answer.text())
})
const jobs = await serveJobs(vacancies)

// As a composer does in a pipeline: the subgraph tells its own SDL.
const told = await fetch(countersign, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ query: '{ _service { sdl } }' }),
})
const { sdl } = (await told.json()).data._service
const { supergraphSdl, errors } = composeServices([
  { name: 'countersign', url: recorder.url, typeDefs: parse(sdl) },
  { name: 'jobs', url: jobs.url, typeDefs: parse(SDL) },
])
if (errors) throw new Error(errors.map((error) => error.message).join('\n'))

async function apollo() {
  class Forwarding extends RemoteGraphQLDataSource {
    willSendRequest({ request, context }) {
      if (context.authorization) request.http.headers.set('authorization', context.authorization)
    }
  }
  const server = new ApolloServer({
    gateway: new ApolloGateway({ supergraphSdl, buildService: ({ url }) => new Forwarding({ url }) }),
    includeStacktraceInErrorResponses: false,
  })
  const context = async ({ req }) => ({ authorization: req.headers.authorization })
  const { url } = await startStandaloneServer(server, { listen: { port: 0, host: '127.0.0.1' }, context })
  return { url, close: () => server.stop() }
}

async function hive() {
  const runtime = createGatewayRuntime({
    supergraph: supergraphSdl,
    logging: false,
    propagateHeaders: {
      fromClientToSubgraphs: ({ request }) => {
        const authorization = request.headers.get('authorization')
        return authorization ? { authorization } : {}
      },
    },
  })
  const server = await serve(runtime)
  return { url: server.url, close: async () => { await server.close(); await runtime[Symbol.asyncDispose]() } }
}

const started = await { apollo, hive }[gateway]()
const said = {}
for (const [name, { query, variables, token }] of Object.entries(asked)) {
  sent = []
  const headers = { 'content-type': 'application/json', accept: 'application/json' }
  if (token) headers.authorization = `Bearer ${token}`
  const response = await fetch(started.url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) })
  said[name] = { status: response.status, answer: await response.json(), sent }
}
process.stdout.write(JSON.stringify(said), () => process.exit(0))
