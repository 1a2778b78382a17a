import {
  SseRedisModule,
  type AuthorizeFunction,
  type ChannelRules,
  type SseRedisOptions,
} from 'nestjs-sse-redis';

declare function mayRead(user: string | undefined, id: string): boolean;
declare function mayReadSoon(user: string | undefined, id: string): Promise<boolean>;
class Settings {
  readonly url: string = 'redis://localhost';
}
class Authorizer {
  authorize(): boolean {
    return true;
  }
}

// A rule's function gets the placeholders of its pattern. This compiles with noUncheckedIndexedAccess.
SseRedisModule.forRoot({
  isGlobal: true,
  redis: 'redis://localhost',
  authorize: {
    news: true,
    'room:{room}': 'user',
    'order:{id}': (client, { id }) => mayRead(client.user, id),
    'answer:{user}:{id}': async (client, { user, id }) => mayReadSoon(client.user, user + id),
  },
});
SseRedisModule.forRootAsync({
  isGlobal: true,
  inject: [Settings],
  useFactory: (settings: Settings) => ({
    redis: settings.url,
    authorize: { news: true, 'order:{id}': (client, { id }) => mayRead(client.user, id) },
  }),
});
SseRedisModule.forRootAsync({
  useFactory: async () => {
    const { url } = await Promise.resolve(new Settings());
    return { redis: url, authorize: { 'order:{id}': (client, { id }) => mayRead(client.user, id) } };
  },
});

// Patterns that are computed have any placeholders, and so have those of whoever wraps the module.
declare const pattern: string;
declare const kind: 'order' | 'invoice';
const wrapped = (given: Parameters<typeof SseRedisModule.forRoot>[0]) => SseRedisModule.forRoot(given);
wrapped({ authorize: { 'order:{id}': (client, { id }) => mayRead(client.user, id!) } });
SseRedisModule.forRoot({
  authorize: { news: true, [pattern]: (client, { id }) => mayRead(client.user, id!) },
});
SseRedisModule.forRoot({ authorize: { [`${kind}:{id}`]: (client, { id }) => mayRead(client.user, id!) } });
SseRedisModule.forRootAsync({
  useFactory: () => ({ authorize: { [pattern]: (client, { id }) => mayRead(client.user, id!) } }),
});

// @ts-expect-error -- no such placeholder
SseRedisModule.forRoot({ authorize: { 'order:{id}': (client, { part }) => mayRead(client.user, part) } });
// @ts-expect-error -- neither true nor 'user'
SseRedisModule.forRoot({ authorize: { news: 'users' } });
// @ts-expect-error -- no such option
SseRedisModule.forRoot({ autorize: { news: true } });
// @ts-expect-error -- no such placeholder
SseRedisModule.forRootAsync({ useFactory: () => ({ authorize: { 'a:{x}': (_, { y }) => y === '' } }) });

// What has the wide types is taken as before.
declare const options: SseRedisOptions;
declare const rules: ChannelRules;
declare const authorize: AuthorizeFunction;
SseRedisModule.forRoot();
SseRedisModule.forRoot({});
SseRedisModule.forRoot(options);
SseRedisModule.forRoot({ ...options, isGlobal: true });
SseRedisModule.forRoot({ authorize: rules });
SseRedisModule.forRoot({ authorize });
SseRedisModule.forRoot({ authorize: (client, channel) => mayRead(client.user, channel) });
SseRedisModule.forRoot({ authorize: { useExisting: Authorizer } });
SseRedisModule.forRootAsync({ useFactory: () => options });
SseRedisModule.forRootAsync({ useFactory: (): SseRedisOptions => ({ authorize: rules }) });
SseRedisModule.forRootAsync({ useFactory: () => ({ authorize: { useExisting: Authorizer } }) });
