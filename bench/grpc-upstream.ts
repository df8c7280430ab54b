// A gRPC server for the bench: answers each call with five bytes and its status, over HTTP/2 in clear. Port as argument.
import { createServer, type ServerHttp2Stream } from 'node:http2'

// Not compressed, five bytes long (gRPC over HTTP/2, "Length-Prefixed-Message").
const message = Buffer.from([0, 0, 0, 0, 5, 0x68, 0x65, 0x6c, 0x6c, 0x6f])

createServer()
  .on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => {})
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.resume()
    stream.on('end', () => {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc' },
        { waitForTrailers: true },
      )
      stream.end(message)
    })
  })
  .listen(Number(process.argv[2]), '127.0.0.1')
