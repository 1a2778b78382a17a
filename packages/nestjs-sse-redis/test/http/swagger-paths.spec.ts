import { Controller, Sse } from '@nestjs/common';
import { findPathParameters } from '../../src/openapi/path-parameters.js';

function parametersOf(path: string | string[], controllerPath: string | string[] = '', modulePath = '') {
  @Controller(controllerPath)
  class StreamsController {
    @Sse(path as string)
    stream(): void {}
  }
  return findPathParameters(
    modulePath,
    StreamsController,
    Reflect.get(StreamsController.prototype, 'stream'),
  );
}

it.each([
  ['', []],
  ['news', []],
  [':id', ['id']],
  ['/orders/:id/items/:item_1/', ['id', 'item_1']],
  [':from-:to', ['from', 'to']],
  [':name.:type', ['name', 'type']],
  ['files/*rest', ['rest']],
  ['files{/*rest}', ['rest']],
  ['files{/:id}/list', ['id']],
  [':"order id"/x', ['order id']],
  ['files/*', ['path']],
  ['files/(.*)', ['path']],
  [':id(^\\d+$)', ['id']],
  ['a::verb', []],
  ['a[:]verb', []],
  ['a\\:verb', []],
])('finds the parameters of %j', (path, names) => {
  expect(parametersOf(path)).toEqual(names);
});

it('joins the parameters of the module, of each path of the controller, and of each path of the method, once', () => {
  const names = parametersOf(['a/:id', 'b/:other'], [':tenant', 't/:tenant/:shop'], '/m/:module');
  expect(names).toEqual(['module', 'tenant', 'shop', 'id', 'other']);
});
