#!/bin/sh
# Jersey 4.0.2 for Java: its `SseEventSource` closes for good when an attempt to return is refused, as while a server restarts. It
# returns where the attempt is answered by 503. Jakarta REST's documentation of `SseEventSource` says that it recovers from a
# connection loss. (RESTEasy 7.0.1 closes likewise, Apache CXF 4.1.3 goes on.) The server is away for a second, then listens again.
. "$(dirname "$0")/run.sh"
run 'mvn: org.glassfish.jersey.media:jersey-media-sse:4.0.2 org.glassfish.jersey.core:jersey-client:4.0.2 org.glassfish.jersey.inject:jersey-hk2:4.0.2' 'received 1
error: jakarta.ws.rs.ProcessingException: java.net.ConnectException: Connection refused
complete
4 s after the server is back: isOpen() false' <<'JS'
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { report, sleep, startServer, stream } from './server.mjs';

const { server, url } = await startServer((response, n) => stream(response, `retry: 300\n\nid: ${n}\ndata: ${n}\n\n`));
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
      error -> System.out.println("error: " + error),
      () -> System.out.println("complete")
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
const client = spawn('java', ['-cp', 'lib/*', 'Main.java', url], { stdio: ['pipe', 'pipe', 'inherit'] });
client.stdout.on('data', (data) => (text += data));
const ended = new Promise((resolve) => client.once('close', resolve));
while (!text && client.exitCode === null) await sleep(100);
const { port } = server.address();
server.closeAllConnections();
await new Promise((resolve) => server.close(resolve));
await sleep(1_000);
await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
await sleep(4_000);
client.stdin.end('\n');
await ended;
const lines = text.trim().split('\n');
report(...lines.slice(0, -1), `4 s after the server is back: ${lines.at(-1)}`);
JS
