// node's ws: the same connections, each message decoded by JSON.parse and counted.
// usage: node ws_node_peer.js MODULE URL CONNECTIONS SECONDS
const [module_, url, connections, seconds] = process.argv.slice(2)
const WebSocket = require(module_)
const ask = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_subscribe", params: ["newHeads"] })

let heard = 0
for (let n = 0; n < Number(connections); n++) {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  socket.on("open", () => socket.send(ask))
  socket.on("message", (data) => {
    if (JSON.parse(data).method === "eth_subscription") heard++
  })
}
setTimeout(() => {
  console.log(heard)
  process.exit(0)
}, Number(seconds) * 1000)
