import { serve } from '../processes/serve.js';
import { LoadRun, type ConnectPlan } from './load-run.js';
import { StormRun, type StormPlan } from './storm-run.js';

let run = new LoadRun();
let storm: StormRun | undefined;

const methods = {
  connect: (plan: ConnectPlan) => run.connect(plan),
  expectSize: (bytes: number) => run.expectSize(bytes),
  live: () => run.live,
  deliveries: () => run.deliveries,
  untilDelivered: ({ target, timeout }: { target: number; timeout: number }) =>
    run.untilDelivered(target, timeout),
  untilComplete: ({ last, timeout }: { last: number[]; timeout: number }) => run.untilComplete(last, timeout),
  timeEvents: () => run.timeEvents(),
  latency: () => run.latency(),
  verify: (last: number[]) => run.verify(last),
  gather: (plan: StormPlan) => {
    storm = new StormRun(plan);
    return storm.gather();
  },
  untilBack: () => storm!.untilBack(),
  disperse: () => storm?.close(),
  reset: () => {
    run.close();
    run = new LoadRun();
  },
};

export type LoadMethods = typeof methods;

serve(methods);
