// Prints, in the form of mls's TestFigures, what the same things take with ts-mls on suite 1:
// node figures.mjs N.
import {
  acceptAll, createApplicationMessage, createCommit, createGroup, defaultCapabilities, defaultLifetime, emptyPskIndex, encodeMlsMessage,
  generateKeyPackage, getCiphersuiteFromName, getCiphersuiteImpl, joinGroup, processMessage,
} from "ts-mls"

const n = Number(process.argv[2] ?? 500)
const row = (name, value, unit) => console.log(`FIGURE\t${name}\t${Number(value.toPrecision(4))}\t${unit}`)
const took = async (name, f) => {
  const start = performance.now()
  const r = await f()
  row(name, performance.now() - start, "ms")
  return r
}
const impl = await getCiphersuiteImpl(getCiphersuiteFromName("MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519"))
const person = (i) =>
  generateKeyPackage(
    { credentialType: "basic", identity: new TextEncoder().encode(`user-${String(i).padStart(6, "0")}-device-0000000000000000`) },
    defaultCapabilities(), defaultLifetime, [], impl,
  )
const length = (m) => encodeMlsMessage(m).length
const add = (kp) => ({ proposalType: "add", add: { keyPackage: kp.publicPackage } })
const commit = (state, extraProposals) => createCommit({ state, cipherSuite: impl }, { extraProposals, ratchetTreeExtension: true })
const process_ = async (m, state) => (await processMessage(m, state, emptyPskIndex, acceptAll, impl)).newState

const founder = await person(0)
let a = await createGroup(new TextEncoder().encode("figures"), founder.publicPackage, founder.privatePackage, [], impl)
const people = []
for (let i = 1; i < n; i++) people.push(await person(i))
const last = people[n - 2]
let r = await took("create", () => commit(a, people.map(add)))
row("create-bytes", length(r.commit), "bytes")
a = r.newState
let b = await took("cold-join", () => joinGroup(r.welcome, last.publicPackage, last.privatePackage, emptyPskIndex, impl))
r = await took("cold-make", () => commit(b, []))
row("cold-bytes", length(r.commit), "bytes")
b = r.newState
a = await took("cold-process", () => process_(r.commit, a))
const late = await person(n)
r = await took("cold-add", () => commit(a, [add(late)]))
row("cold-add-bytes", length(r.commit), "bytes")
a = r.newState
b = await took("cold-add-process", () => process_(r.commit, b))
let enc = 0, dec = 0
const times = 30
for (let i = 0; i < times; i++) {
  let start = performance.now()
  const m = await createApplicationMessage(a, new Uint8Array(100), impl)
  enc += performance.now() - start
  a = m.newState
  const wire = { version: "mls10", wireformat: "mls_private_message", privateMessage: m.privateMessage }
  start = performance.now()
  b = (await processMessage(wire, b, emptyPskIndex, acceptAll, impl)).newState
  dec += performance.now() - start
  if (i === 0) row("message-overhead", length(wire) - 100, "bytes")
}
row("encrypt", (enc / times) * 1000, "µs")
row("decrypt", (dec / times) * 1000, "µs")
