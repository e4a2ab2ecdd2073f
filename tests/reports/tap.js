// Reads TAP as node-tap does and prints each point, those of subtests indented, and what is wrong with the document.
const Parser = require('tap-parser')
const fs = require('fs')

function watch(parser, indent) {
  parser.on('assert', point => {
    const skipped = point.skip ? ' SKIP' : ''
    const message = point.diag ? ` message ${point.diag.message}` : ''
    console.log(`${indent}${point.ok ? 'ok' : 'not ok'} ${point.name}${skipped}${message}`)
  })
  parser.on('child', child => watch(child, indent + '    '))
  parser.on('extra', line => console.log(`fault ${line.trim()}`))
}

const parser = new Parser(results => {
  for (const failure of results.failures) {
    if (failure.tapError) console.log(`fault ${failure.tapError}`)
  }
})
watch(parser, '')
parser.end(fs.readFileSync(process.argv[2], 'utf8'))
