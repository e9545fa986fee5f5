#!/usr/bin/env node
/** prebuildify asks for node-gyp; cmake-js builds the addon. */
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'

const cmakeJs = createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js')
execFileSync(process.execPath, [cmakeJs, 'rebuild', '-p', '2'], { stdio: 'inherit' })
