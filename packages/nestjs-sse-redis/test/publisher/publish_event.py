"""Publishes events by publish-event.lua, with Python's own library alone. `main` is for tests: a JSON array a line."""

import json
import socket
import sys


class Redis:
    """A connection that speaks RESP2: https://redis.io/docs/latest/develop/reference/protocol-spec/."""

    def __init__(self, port, host="127.0.0.1"):
        self.stream = socket.create_connection((host, port)).makefile("rwb")

    def call(self, *args):
        parts = [arg if isinstance(arg, bytes) else str(arg).encode() for arg in args]
        self.stream.write(b"*%d\r\n" % len(parts))
        for part in parts:
            self.stream.write(b"$%d\r\n%s\r\n" % (len(part), part))
        self.stream.flush()
        return self.reply()

    def reply(self):
        line = self.stream.readline()[:-2]
        kind, rest = line[:1], line[1:]
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b"$":
            return self.stream.read(int(rest) + 2)[:-2].decode()
        return rest.decode()


def main(port, script):
    redis = Redis(port)
    with open(script, "rb") as file:
        sha = redis.call("SCRIPT", "LOAD", file.read())
    for line in sys.stdin:
        keys, args = json.loads(line)
        try:
            answer = {"id": redis.call("EVALSHA", sha, len(keys), *keys, *args)}
        except RuntimeError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
