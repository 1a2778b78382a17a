import { jest } from '@jest/globals';
import { startApp } from '@nestjs-sse-redis/testing';

/** Stands for an application that has not installed it; a real one would take an installation of its own. */
jest.unstable_mockModule('class-validator', () => {
  throw new Error("Cannot find package 'class-validator'");
});

class ShippedDto {
  code!: string;
}

it('ends the start with what to install, where a definition has a class and class-validator is missing', async () => {
  const { classSchema, defineChannel, InvalidOptionsError, SseRedisModule } =
    await import('nestjs-sse-redis');
  const start = (shipped: typeof ShippedDto | ReturnType<typeof classSchema>) => {
    const orders = defineChannel('order:{id}', { events: { shipped } });
    return startApp(SseRedisModule.forRoot({ channels: [orders] }), 'express', {
      application: { logger: false, abortOnError: false },
    });
  };
  for (const schema of [ShippedDto, classSchema(ShippedDto)]) {
    const failure = start(schema);
    await expect(failure).rejects.toBeInstanceOf(InvalidOptionsError);
    await expect(failure).rejects.toThrow('npm install class-validator class-transformer');
  }
  const plain = await startApp(
    SseRedisModule.forRoot({ channels: [defineChannel('order:{id}', { rewind: 1 })] }),
    'express',
  );
  await plain.close();
});
