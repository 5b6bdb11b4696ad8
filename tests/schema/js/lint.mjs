// Lints a schema and documents written for it. Standard input: {schema, documents: {name: text}}; standard output:
// {rules: {schema, operations}: the rules that are on, presets: all of the presets, findings: [[file, line, rule, message]]}.
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { text } from 'node:stream/consumers'

import { ESLint } from 'eslint'

import { OPERATIONS, SCHEMA, configuration, presets } from './rules.mjs'

const { schema, documents } = JSON.parse(await text(process.stdin))
const folder = await realpath(await mkdtemp(join(tmpdir(), 'lint-')))
const findings = []
try {
  await mkdir(join(folder, 'operations'))
  await writeFile(join(folder, 'schema.graphql'), schema)
  for (const [name, document] of Object.entries(documents)) await writeFile(join(folder, 'operations', name), document)
  const eslint = new ESLint({ overrideConfigFile: true, overrideConfig: configuration(folder), cwd: folder })
  for (const { filePath, messages } of await eslint.lintFiles(['**/*.graphql'])) {
    for (const { line, ruleId, message } of messages) findings.push([relative(folder, filePath), line, ruleId, message])
  }
} finally {
  await rm(folder, { recursive: true })
}
const on = (rules) => Object.keys(rules).filter((name) => rules[name] !== 'off').map((name) => name.split('/').pop()).sort()
const rules = { schema: on(SCHEMA), operations: on(OPERATIONS) }
const every = { schema: on(presets('schema-all', 'schema-relay')), operations: on(presets('operations-all')) }
process.stdout.write(JSON.stringify({ rules, presets: every, findings }))
