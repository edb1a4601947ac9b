// Several ts-mls clients behind one line protocol: each line on stdin is a JSON request
// {"op", "who", ...}, each line on stdout its answer, in order. Byte strings are hex.
import { createInterface } from "node:readline"
import {
  acceptAll, createApplicationMessage, createCommit, createGroup, decodeMlsMessage, defaultCapabilities, defaultLifetime,
  emptyPskIndex, encodeMlsMessage, generateKeyPackage, getCiphersuiteFromName, getCiphersuiteImpl, joinGroup, mlsExporter,
  processMessage,
} from "ts-mls"

const suites = {
  1: "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
  3: "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519",
}
const utf8 = (s) => new TextEncoder().encode(s)
const hex = (b) => Buffer.from(b).toString("hex")
const bytes = (s) => new Uint8Array(Buffer.from(s, "hex"))
const message = (b, wireformat) => {
  const m = decodeMlsMessage(b, 0)
  if (!m || m[1] !== b.length) throw new Error("not one whole message")
  if (wireformat && m[0].wireformat !== wireformat) throw new Error(`got ${m[0].wireformat}, want ${wireformat}`)
  return m[0]
}
const encode = (m) => hex(encodeMlsMessage({ version: "mls10", ...m }))

const clients = new Map()

async function commit(c, extraProposals) {
  const r = await createCommit({ state: c.state, cipherSuite: c.impl }, { extraProposals, ratchetTreeExtension: true })
  c.state = r.newState
  return {
    commit: hex(encodeMlsMessage(r.commit)),
    welcome: r.welcome ? encode({ wireformat: "mls_welcome", welcome: r.welcome }) : "",
  }
}

// identity of the leaf at a place, or undefined
const identity = (node) =>
  node?.nodeType === "leaf" && node.leaf.credential.credentialType === "basic" ? new TextDecoder().decode(node.leaf.credential.identity) : undefined

const ops = {
  async new(_, q) {
    const impl = await getCiphersuiteImpl(getCiphersuiteFromName(suites[q.suite]))
    clients.set(q.who, { impl, name: q.name })
    return {}
  },
  async keyPackage(c) {
    c.kp = await generateKeyPackage({ credentialType: "basic", identity: utf8(c.name) }, defaultCapabilities(), defaultLifetime, [], c.impl)
    return { data: encode({ wireformat: "mls_key_package", keyPackage: c.kp.publicPackage }) }
  },
  async found(c) {
    await ops.keyPackage(c)
    c.state = await createGroup(utf8("interop " + c.name), c.kp.publicPackage, c.kp.privatePackage, [], c.impl)
    return {}
  },
  async join(c, q) {
    const m = message(bytes(q.data), "mls_welcome")
    c.state = await joinGroup(m.welcome, c.kp.publicPackage, c.kp.privatePackage, emptyPskIndex, c.impl)
    return {}
  },
  async add(c, q) {
    return commit(c, q.keyPackages.map((k) => ({ proposalType: "add", add: { keyPackage: message(bytes(k), "mls_key_package").keyPackage } })))
  },
  async remove(c, q) {
    const at = c.state.ratchetTree.findIndex((n) => identity(n) === q.name)
    if (at < 0) throw new Error("no such member")
    return commit(c, [{ proposalType: "remove", remove: { removed: at / 2 } }])
  },
  async update(c) {
    return commit(c, [])
  },
  async process(c, q) {
    const r = await processMessage(message(bytes(q.data)), c.state, emptyPskIndex, acceptAll, c.impl)
    if (r.kind !== "newState") throw new Error("not a commit")
    c.state = r.newState
    return {}
  },
  async send(c, q) {
    const r = await createApplicationMessage(c.state, utf8(q.text), c.impl)
    c.state = r.newState
    return { data: encode({ wireformat: "mls_private_message", privateMessage: r.privateMessage }) }
  },
  async receive(c, q) {
    const r = await processMessage(message(bytes(q.data), "mls_private_message"), c.state, emptyPskIndex, acceptAll, c.impl)
    if (r.kind !== "applicationMessage") throw new Error("not application data")
    c.state = r.newState
    return { text: new TextDecoder().decode(r.message) }
  },
  async authenticator(c) {
    return { data: hex(c.state.keySchedule.epochAuthenticator) }
  },
  async export(c, q) {
    return { data: hex(await mlsExporter(c.state.keySchedule.exporterSecret, q.text, bytes(q.data), q.n, c.impl)) }
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer
  try {
    const q = JSON.parse(line)
    answer = await ops[q.op](clients.get(q.who), q)
  } catch (e) {
    answer = { error: String(e?.message ?? e) }
  }
  process.stdout.write(JSON.stringify(answer) + "\n")
}
