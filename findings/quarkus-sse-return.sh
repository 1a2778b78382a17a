#!/bin/sh
# resteasy-reactive-client 3.33.2 for Java, the client of Quarkus' REST: its `SseEventSource` returns without `Last-Event-ID` after a stream
# that ended, and does not return after one that was cut, of which it tells an error. `isOpen()` is true all the same. Jakarta REST's
# documentation of `SseEventSource` says that it recovers from a connection loss, and sends the last id that it has received.
. "$(dirname "$0")/run.sh"
run 'mvn: io.quarkus.resteasy.reactive:resteasy-reactive-client:3.33.2' 'received 1, with Last-Event-ID: undefined
received 2, with Last-Event-ID: undefined
error: io.vertx.core.http.HttpClosedException: Connection was closed
5 s after the cut: isOpen() true, 2 requests' <<'JS'
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { report, sleep, startServer, stream } from './server.mjs';

const ids = [];
let cut = false;
const server = await startServer(async (response, n, request) => {
  ids.push(request.headers['last-event-id']);
  stream(response, `retry: 300\n\nid: ${n}\ndata: ${n}\n\n`);
  await sleep(300);
  if (n === 1) return response.end();
  response.socket.destroy();
  cut = true;
});
writeFileSync(
  'Main.java',
  `import jakarta.ws.rs.client.ClientBuilder;
import jakarta.ws.rs.sse.SseEventSource;

public class Main {
  public static void main(String[] arguments) throws Exception {
    SseEventSource source = SseEventSource.target(ClientBuilder.newClient().target(arguments[0])).build();
    source.register(
      event -> {
        if (!event.isEmpty()) System.out.println("received " + event.readData());
      },
      error -> System.out.println("error: " + error)
    );
    source.open();
    System.in.read();
    System.out.println("isOpen() " + source.isOpen());
    System.exit(0);
  }
}
`,
);
let text = '';
const client = spawn('java', ['-cp', 'lib/*', 'Main.java', server.url], { stdio: ['pipe', 'pipe', 'inherit'] });
client.stdout.on('data', (data) => (text += data));
const closed = new Promise((resolve) => client.once('close', resolve));
while (!cut && client.exitCode === null) await sleep(100);
await sleep(5_000);
client.stdin.end('\n');
await closed;
const lines = text.trim().split('\n');
let n = 0;
report(
  ...lines.slice(0, -1).map((line) => (line.startsWith('received') ? `${line}, with Last-Event-ID: ${ids[n++]}` : line)),
  `5 s after the cut: ${lines.at(-1)}, ${server.requests} requests`,
);
JS
