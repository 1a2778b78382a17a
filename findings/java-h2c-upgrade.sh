#!/bin/sh
# Java's own `java.net.http.HttpClient` (17) asks a cleartext server for HTTP/2 with each first request, by the header `Upgrade: h2c`. A
# server may ignore that (RFC 9110, 7.8), and Node does, until something listens to its event `upgrade`. With a WebSocket server beside the
# routes (ws 8.23.0, socket.io 4.8.4), plain requests of that client are refused, or cut without an answer. Version HTTP_1_1 is answered.
. "$(dirname "$0")/run.sh"
run 'ws@8.23.0 socket.io@4.8.4' 'no WebSocket server: HTTP_2 200 [data: 1, ], HTTP_1_1 200 [data: 1, ]
with ws: HTTP_2 400 [Invalid Upgrade header], HTTP_1_1 200 [data: 1, ]
with socket.io: HTTP_2 IOException: HTTP/1.1 header parser received no bytes, HTTP_1_1 200 [data: 1, ]' <<'JS'
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { Server } from 'socket.io';
import { WebSocketServer } from 'ws';
import { report, startServer, stream } from './server.mjs';

writeFileSync(
  'Main.java',
  `import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;

public class Main {
  public static void main(String[] arguments) throws Exception {
    var request = HttpRequest.newBuilder(URI.create(arguments[0])).header("Accept", "text/event-stream").build();
    var seen = new ArrayList<String>();
    // HTTP_2 is the default.
    for (var version : new HttpClient.Version[] { HttpClient.Version.HTTP_2, HttpClient.Version.HTTP_1_1 }) {
      try {
        var response = HttpClient.newBuilder().version(version).build().send(request, BodyHandlers.ofLines());
        seen.add(version + " " + response.statusCode() + " " + response.body().toList());
      } catch (IOException error) {
        seen.add(version + " IOException: " + error.getMessage());
      }
    }
    System.out.println(String.join(", ", seen));
  }
}
`,
);

async function ask(name, attach) {
  const { server, url } = await startServer((response) => stream(response, 'data: 1\n\n').end());
  attach(server);
  const { stdout } = await promisify(execFile)('java', ['Main.java', url]);
  return `${name}: ${stdout.trim()}`;
}

report(
  await ask('no WebSocket server', () => {}),
  await ask('with ws', (server) => new WebSocketServer({ server, path: '/ws' })),
  await ask('with socket.io', (server) => new Server(server)),
);
JS
