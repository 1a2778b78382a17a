// A file of its own, since an application outside of the workspace has another in its place.
export { ReconnectingClient, until } from '@nestjs-sse-redis/testing';
