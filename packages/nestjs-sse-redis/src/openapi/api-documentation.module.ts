import { HttpStatus, Inject, Injectable, Module, RequestMethod, type Type } from '@nestjs/common';
import { HTTP_CODE_METADATA, METHOD_METADATA } from '@nestjs/common/constants.js';
import * as core from '@nestjs/core';
import { dependOnRequest } from '../http/channels-of-request.js';
import { SSE_CHANNELS, type SseChannelsMetadata } from '../http/sse-channels.decorator.js';
import { findStreamRoutes, type StreamRoute } from '../http/stream-routes.js';
import { documentConnections } from './connections-description.js';
import { omitDocumented } from './documented-parameters.js';
import { findPathParameters, readModulePaths } from './path-parameters.js';
import { documentRuns } from './run-description.js';
import { describePathParameter, STREAM_PARAMETERS } from './stream-description.js';
import { documentResponses } from './stream-responses.js';
import { addParameters } from './swagger-metadata.js';

/**
 * Says to `@nestjs/swagger` what stream routes take and answer. Applications create their document between
 * `NestFactory.create()` and `app.listen()`, before any hook: so it is done in the constructor, which runs when all decorators of the
 * application have said theirs.
 */
@Injectable()
export class ApiDocumentation {
  constructor(@Inject(core.ModulesContainer) modules: core.ModulesContainer) {
    const pathOf = readModulePaths(modules);
    for (const module of modules.values())
      for (const { metatype } of module.controllers.values()) {
        const controller = metatype as Type<unknown>;
        const toPath = (handler: StreamRoute['handler']) =>
          findPathParameters(pathOf(module), controller, handler);
        for (const route of findStreamRoutes(controller)) documentRoute(route, toPath(route.handler));
        documentRuns(controller, toPath);
      }
    documentConnections();
  }
}

function documentRoute(route: StreamRoute, path: readonly string[]): void {
  const { handler } = route;
  const parameters = [...path.map(describePathParameter), ...STREAM_PARAMETERS];
  addParameters(handler, omitDocumented(route, parameters));
  documentResponses(route, getStatus(handler), hasInput(handler));
}

/** As Nest answers: `@HttpCode()`, or the status of the method. */
function getStatus(handler: StreamRoute['handler']): number {
  const code = Reflect.getMetadata(HTTP_CODE_METADATA, handler) as number | undefined;
  const isPost = Reflect.getMetadata(METHOD_METADATA, handler) === RequestMethod.POST;
  return code ?? (isPost ? HttpStatus.CREATED : HttpStatus.OK);
}

/** Whether the channels may depend on the request. */
function hasInput(handler: StreamRoute['handler']): boolean {
  const metadata = Reflect.getMetadata(SSE_CHANNELS, handler) as SseChannelsMetadata | undefined;
  return !metadata || dependOnRequest(metadata.channels);
}

/** A module of its own, since that is what Nest can be asked to make with `preview: true`, in which documents are made too. */
@Module({ providers: [ApiDocumentation] })
export class ApiDocumentationModule {}

/** Exported, but not documented: by name, since an import of what is not there fails. */
const allowlist = (core as Record<string, unknown>)['InitializeOnPreviewAllowlist'] as
  | { add(module: object): void }
  | undefined;
allowlist?.add(ApiDocumentationModule);
