/** A line of CLUSTER NODES. */
export interface NodeLine {
  id: string;
  isMaster: boolean;
  /** Whether this is the node that was asked. */
  isMyself: boolean;
  /** Of a replica: the id of its master. */
  masterId: string;
  /** Among claims to a slot the one with the greatest epoch counts. */
  epoch: number;
  /** First and last of each range. */
  slots: [first: number, last: number][];
}

/** @see https://redis.io/docs/latest/commands/cluster-nodes/ */
export function parseNodes(answer: string): NodeLine[] {
  return answer
    .split('\n')
    .filter((line) => /^[0-9a-f]{40} /.test(line))
    .map(parseLine);
}

function parseLine(line: string): NodeLine {
  const [id = '', , flags = '', masterId = '', , , epoch, , ...slots] = line.trim().split(' ');
  return {
    id,
    isMaster: flags.split(',').includes('master'),
    isMyself: flags.split(',').includes('myself'),
    masterId,
    epoch: Number(epoch),
    slots: slots.map((range) => {
      const [first, last = first] = range.split('-').map(Number) as [number, number?];
      return [first, last];
    }),
  };
}

export function hasSlot({ slots }: NodeLine, slot: number): boolean {
  return slots.some(([first, last]) => first <= slot && slot <= last);
}
