import { Controller, Get } from '@nestjs/common';
import { SseRegistry } from 'nestjs-sse-redis';
import { describePerson } from './people-teller.js';

const MOST = 200;

@Controller('people')
export class PeopleController {
  constructor(private readonly registry: SseRegistry) {}

  /** Everybody who is connected, to whichever process, as any process can tell. */
  @Get()
  async list() {
    const [{ connections }, count] = await Promise.all([
      this.registry.list({}, { limit: MOST }),
      this.registry.count(),
    ]);
    return { count, people: connections.map(describePerson) };
  }
}
