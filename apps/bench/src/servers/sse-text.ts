let lastId = 0;

/** As long on the wire as what the hub sends: an id like its own. */
export function sseText(message: Buffer): Buffer {
  lastId++;
  return Buffer.from(`id: 1767225600000-${lastId}\ndata: ${message.toString('latin1')}\n\n`, 'latin1');
}
