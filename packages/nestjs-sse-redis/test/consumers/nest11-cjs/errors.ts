// Bundled only: who imports an error of the package alone gets one that Nest knows.
import { HttpException } from '@nestjs/common';
import { InvalidEventError } from 'nestjs-sse-redis';

const error: unknown = new InvalidEventError('wrong');
console.log('HttpException', error instanceof HttpException, (error as HttpException).getStatus());
