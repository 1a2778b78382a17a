/** What the two ends of an `AppProcess` say to each other over IPC. */
export type ToChild =
  | { readonly request: { readonly id: number; readonly message: unknown } }
  | { readonly message: unknown };

export type FromChild =
  | { readonly ready: { readonly port: number } }
  | { readonly reply: { readonly id: number; readonly value?: unknown; readonly error?: ReplyError } }
  | { readonly message: unknown };

export interface ReplyError {
  readonly name: string;
  readonly message: string;
  readonly code?: unknown;
}
