#!/bin/sh
# @server-sent-stream/parser 1.0.4 cuts a data line at U+2028 (line separator) and at U+2029, and drops the rest without a word.
# `JSON.stringify` leaves both as they are. WHATWG HTML 9.2.5 ends lines at CR and LF alone.
. "$(dirname "$0")/run.sh"
run @server-sent-stream/parser@1.0.4 'sent: "one\u2028two", got: "one"
sent: "one\u2029two", got: "one"
sent: "one\u0085two", got: "one\u0085two"' <<'JS'
import library from '@server-sent-stream/parser';
import { report } from './server.mjs';

const escape = (text) =>
  JSON.stringify(text).replace(/[\u0085\u2028\u2029]/g, (c) => `\\u${c.codePointAt(0).toString(16).padStart(4, '0')}`);
const Parser = library.default ?? library;
const lines = [];
for (const text of ['one\u2028two', 'one\u2029two', 'one\u0085two']) {
  const parser = new Parser((data) => lines.push(`sent: ${escape(text)}, got: ${escape(data)}`));
  parser.push(`data: ${text}\n\n`);
}
report(...lines);
JS
