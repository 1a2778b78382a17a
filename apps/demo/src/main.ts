import cluster from 'node:cluster';

// One file for both sides of node:cluster: the supervisor forks this very file once for each worker.
if (cluster.isPrimary) {
  const { main } = await import('./supervisor/main.js');
  await main();
} else {
  const { main } = await import('./worker/main.js');
  await main();
}
