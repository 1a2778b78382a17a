import type { RegistryLimits } from '../broker/registry-store.interface.js';

export const NO_LIMITS: RegistryLimits = { connectionsPerUser: 0, connectionsPerAddress: 0 };

/** @returns limits as the registry's scripts read them: 0 is none */
export function toStoredLimits({
  connectionsPerUser,
  connectionsPerAddress,
}: RegistryLimits): RegistryLimits {
  return {
    connectionsPerUser: toStoredLimit(connectionsPerUser),
    connectionsPerAddress: toStoredLimit(connectionsPerAddress),
  };
}

function toStoredLimit(limit: number): number {
  return Number.isFinite(limit) ? limit : 0;
}
