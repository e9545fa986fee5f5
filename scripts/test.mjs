/** Everything that is checked, from a bare clone: set-up, format, lint, types, native tests, TypeScript tests. */
import { join } from 'node:path'
import { buildEmulated, emulatedTests, onEmulated } from './emulated.mjs'
import { root, run, setUp } from './setup.mjs'

setUp({ tests: true })
run('npm', ['run', '--silent', 'check'])
const build = join(root, 'build/test')
// The addon has kernels for every architecture; tests without a GPU compile them for one.
const options = ['-DSESS_TESTS=ON', '-DCMAKE_BUILD_TYPE=Release', '-DSESS_CUDA_ARCHITECTURES=90']
run('cmake', ['-S', root, '-B', build, ...options])
run('cmake', ['--build', build, '--parallel', '2'])
buildEmulated()
for (const folder of [build, emulatedTests]) {
  run('ctest', ['--test-dir', folder, '--output-on-failure', '--no-tests=error', '--parallel', '2'])
}
const vitest = join(root, 'node_modules/.bin/vitest')
run(vitest, ['run'])
run(vitest, ['run', '--config', 'vitest.cuda.config.ts'], { env: onEmulated(process.env) })
