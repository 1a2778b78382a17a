/** Looks from time to time whether connections lead to the right server. */
export interface MasterWatch {
  start(): void;
  stop(): void;
}
