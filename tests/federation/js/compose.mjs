// What each public composer says of subgraphs: {subgraphs: {name: sdl}} on standard input, {composer: {errors, hints, supergraph}} out.
import { text } from 'node:stream/consumers'

import apollo from '@apollo/composition'
import { composeServices as guild } from '@theguild/federation-composition'
import { parse } from 'graphql'

const { subgraphs } = JSON.parse(await text(process.stdin))
const services = Object.entries(subgraphs).map(([name, sdl]) => ({ name, url: `http://127.0.0.1/${name}`, typeDefs: parse(sdl) }))

const said = {}
for (const [name, compose] of Object.entries({ apollo: apollo.composeServices, guild })) {
  const { errors = [], hints = [], supergraphSdl = null } = compose(services)
  said[name] = {
    errors: errors.map((error) => error.message),
    hints: hints.map((hint) => hint.message),
    supergraph: supergraphSdl,
  }
}
process.stdout.write(JSON.stringify(said))
