#!/bin/sh
# ktor-client 3.5.2 for Kotlin joins the data lines of an event by CR LF, where WHATWG HTML 9.2.6 has them joined by LF. Text of several
# lines, such as Markdown or a piece of code, thus differs from what the server has sent. The lines of the stream end with LF.
. "$(dirname "$0")/run.sh"
run 'mvn: io.ktor:ktor-client-cio-jvm:3.5.2 org.slf4j:slf4j-nop:2.0.17' 'sent: "one\ntwo"
received: "one\r\ntwo"' <<'JS'
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { report, startServer, stream } from './server.mjs';

const { url } = await startServer((response) => stream(response, 'data: one\ndata: two\n\n'));
writeFileSync(
  'Main.java',
  `import io.ktor.client.HttpClient;
import io.ktor.client.HttpClientKt;
import io.ktor.client.engine.cio.CIO;
import io.ktor.client.plugins.sse.*;
import java.lang.reflect.Method;
import java.util.Arrays;
import kotlin.Unit;
import kotlin.coroutines.Continuation;
import kotlin.coroutines.EmptyCoroutineContext;
import kotlin.jvm.functions.*;

/** In Kotlin: HttpClient(CIO) { install(SSE) }.sse(url) { incoming.collect { print(it.data) } } */
public class Main {
  public static void main(String[] arguments) throws Exception {
    HttpClient client = HttpClientKt.HttpClient(CIO.INSTANCE, config -> {
      config.install(SSEKt.getSSE(), sse -> Unit.INSTANCE);
      return Unit.INSTANCE;
    });
    // Java cannot name \`sse()\`: Kotlin adds a hyphen to names of functions that take a Duration.
    Class<?>[] types = { HttpClient.class, String.class, Function1.class, kotlin.time.Duration.class, Boolean.class, Boolean.class,
      Function2.class, Continuation.class };
    Method sse = Arrays.stream(BuildersKt.class.getMethods())
      .filter(method -> method.getName().startsWith("sse-") && Arrays.equals(method.getParameterTypes(), types))
      .findFirst().get();
    Function1<Object, Object> request = builder -> Unit.INSTANCE;
    Function2<ClientSSESession, Continuation<? super Unit>, Object> block = (session, ended) ->
      session.getIncoming().collect((event, next) -> {
        System.out.print(event.getData());
        System.out.flush();
        System.exit(0);
        return Unit.INSTANCE;
      }, ended);
    kotlinx.coroutines.BuildersKt.runBlocking(EmptyCoroutineContext.INSTANCE, (scope, done) -> {
      try {
        return sse.invoke(null, client, arguments[0], request, null, null, null, block, done);
      } catch (ReflectiveOperationException error) {
        throw new AssertionError(error);
      }
    });
  }
}
`,
);
let text = '';
const client = spawn('java', ['-cp', 'lib/*', 'Main.java', url], { stdio: ['ignore', 'pipe', 'inherit'] });
client.stdout.on('data', (data) => (text += data));
await new Promise((resolve) => client.once('close', resolve));
report('sent: "one\\ntwo"', `received: ${JSON.stringify(text)}`);
JS
