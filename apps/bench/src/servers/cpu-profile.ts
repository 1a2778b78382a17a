import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';

/** Where the time of this process goes, for a `.cpuprofile` that Chrome's and VS Code's tools show. */
export class CpuProfile {
  private session: Session | undefined;

  async start(): Promise<void> {
    this.session = new Session();
    this.session.connect();
    await this.session.post('Profiler.enable');
    await this.session.post('Profiler.setSamplingInterval', { interval: 200 });
    await this.session.post('Profiler.start');
  }

  async write(file: string): Promise<void> {
    const result = await this.session?.post('Profiler.stop');
    this.session?.disconnect();
    writeFileSync(file, JSON.stringify(result?.profile));
  }
}
