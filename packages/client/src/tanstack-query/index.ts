export { bridgeQueries, type QueryHandlers } from './bridge-queries.js';
export type { QueryChanges, QueryClientLike, QueryKey, QueryUpdater } from './query-batch.js';
