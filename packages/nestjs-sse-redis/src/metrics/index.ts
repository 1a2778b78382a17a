export { exposeMetrics, type MetricsOptions } from './expose-metrics.js';
