# Sourced by each finding: installs its packages in a folder that is removed at the end, runs its program, and compares the
# output with the recorded one. Nothing of this repository is loaded. The server of each program is on loopback.
set -eu

# run PACKAGES EXPECTED: the program is read from standard input. `pip: ` before the packages takes them from PyPI, into ./python;
# `go: ` makes a Go module of them, in ./go; `mvn: ` has Maven put GROUP:ARTIFACT:VERSION with what they need into ./lib, where
# `java -cp 'lib/*' Main.java` runs them.
run() {
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  trap 'exit 130' INT TERM
  cat >"$folder/finding.mjs"
  cat >"$folder/server.mjs" <<'JS'
import { createServer } from 'node:http';

/** An event-stream server on a free port. @param serve is called with the response and the number of the request */
export async function startServer(serve) {
  let requests = 0;
  const server = createServer((request, response) => serve(response, ++requests, request));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}/`;
  return { server, url, get requests() { return requests; } };
}

/** Sends the head of an event stream, and some of its body. */
export function stream(response, body) {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(body);
  return response;
}

export const bulk = (text) => `$${text.length}\r\n${text}\r\n`;

/** The commands of a piece of what a client of Redis sends, each with its arguments. */
export function* commands(text) {
  const lines = text.split('\r\n');
  for (let i = 0; i < lines.length - 1; ) {
    const count = Number(lines[i].slice(1));
    yield Array.from({ length: count }, (_, k) => lines[i + 2 + 2 * k]);
    i += 1 + 2 * count;
  }
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Prints what was seen, one line each, and ends. */
export function report(...lines) {
  console.log(lines.join('\n'));
  process.exit();
}
JS
  case $1 in
    pip:*)
      python3 -m venv "$folder/python"
      "$folder/python/bin/pip" install --quiet --disable-pip-version-check ${1#pip:}
      ;;
    mvn:*)
      {
        echo '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        echo '<groupId>finding</groupId><artifactId>finding</artifactId><version>1</version><dependencies>'
        for package in ${1#mvn:}; do
          echo "$package" | sed 's|\(.*\):\(.*\):\(.*\)|<dependency><groupId>\1</groupId><artifactId>\2</artifactId><version>\3</version></dependency>|'
        done
        echo '</dependencies></project>'
      } >"$folder/pom.xml"
      (cd "$folder" && mvn --batch-mode dependency:copy-dependencies -DoutputDirectory=lib -DincludeScope=runtime >mvn.log 2>&1) || {
        cat "$folder/mvn.log"
        exit 1
      }
      ;;
    go:*) (mkdir "$folder/go" && cd "$folder/go" && go mod init finding && go get ${1#go:}) >/dev/null 2>&1 ;;
    *) (cd "$folder" && npm init -y >/dev/null && npm install --silent --no-fund --no-audit $1) ;;
  esac
  echo "node $(node --version), $1"
  seen=$(cd "$folder" && NODE_OPTIONS= NODE_NO_WARNINGS=1 timeout 60 node finding.mjs 2>&1) || true
  printf '%s\n' "$seen"
  if [ "$seen" = "$2" ]; then
    echo 'as recorded'
  else
    printf 'CHANGED, it was:\n%s\n' "$2"
    exit 1
  fi
}
