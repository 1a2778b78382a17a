/** A node as another one, or it itself, sees it: a line of CLUSTER NODES, or of the file `nodes.conf`. */
export interface ClusterNode {
  id: string;
  port: number;
  isMaster: boolean;
  /** Whether this is the node that was asked. */
  isMyself: boolean;
  /** Of a replica: the id of its master. */
  masterId: string | undefined;
  /** First and last of each range. A replica has none. */
  slots: [number, number][];
}

/** @see https://redis.io/docs/latest/commands/cluster-nodes/ */
export function parseClusterNodes(text: string): ClusterNode[] {
  return text.trim().split('\n').map(parseLine);
}

function parseLine(line: string): ClusterNode {
  const [id, address, flagText, master, , , , , ...slotTexts] = line.split(' ') as [
    string,
    string,
    string,
    string,
    ...string[],
  ];
  const flags = flagText.split(',');
  return {
    id,
    port: Number(/:(\d+)@/.exec(address)?.[1]),
    isMaster: flags.includes('master'),
    isMyself: flags.includes('myself'),
    masterId: master === '-' ? undefined : master,
    slots: slotTexts.filter((slots) => /^\d/.test(slots)).map(toRange), // A slot on the move is in brackets.
  };
}

function toRange(text: string): [number, number] {
  const [first, last = first] = text.split('-').map(Number) as [number, number?];
  return [first, last];
}

/** The id of the node that has the slot. */
export function findSlotOwner(nodes: ClusterNode[], slot: number): string | undefined {
  return nodes.find(({ slots }) => slots.some(([first, last]) => first <= slot && slot <= last))?.id;
}
