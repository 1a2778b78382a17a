import { Controller, Get, NotFoundException, Param, ParseIntPipe, Post, HttpCode, Res } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { SupervisorLink } from './supervisor-link.js';

@Controller('processes')
export class ProcessesController {
  constructor(private readonly supervisor: SupervisorLink) {}

  @Get()
  list() {
    return this.supervisor.rows;
  }

  /** Answers first, then asks: the process that is to die may be this one. */
  @Post(':pid/kill')
  @HttpCode(202)
  kill(@Param('pid', ParseIntPipe) pid: number, @Res({ passthrough: true }) response: ServerResponse) {
    if (!this.supervisor.knows(pid)) throw new NotFoundException(`no process ${pid} of this demo`);
    response.once('close', () => this.supervisor.kill(pid));
    return { killed: pid };
  }

  @Post(':pid/drain')
  @HttpCode(202)
  drain(@Param('pid', ParseIntPipe) pid: number, @Res({ passthrough: true }) response: ServerResponse) {
    if (!this.supervisor.knows(pid)) throw new NotFoundException(`no process ${pid} of this demo`);
    response.once('close', () => this.supervisor.drain(pid));
    return { drained: pid };
  }
}
