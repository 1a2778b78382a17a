// node --import <this file> program.ts
import { register } from 'node:module';

register('./swc-loader.mjs', import.meta.url);
