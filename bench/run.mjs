/**
 * Every benchmark, results under bench/results/: the native ops (Google Benchmark), then end to end. Takes half an hour;
 * nothing else should run meanwhile. Models besides the MobileNet are made first:
 *   bench/models/export_torchvision.py resnet50 .cache/models/resnet50.onnx
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run, setUp } from '../scripts/setup.mjs'
import { root, shared } from './measure.mjs'

const results = (name) => join(root, 'bench/results', `${name}.json`)
const resnet = join(root, '.cache/models/resnet50.onnx')
const models = [shared('models/mobilenet-v1-075-224.onnx'), resnet].filter((path) => existsSync(path))
if (!existsSync(resnet)) console.log(`No ${resnet}: bench/models/export_torchvision.py makes it.`)

setUp({ tests: true })
const build = join(root, 'build/test')
run('cmake', ['-S', root, '-B', build, '-DSESS_TESTS=ON', '-DCMAKE_BUILD_TYPE=Release'])
run('cmake', ['--build', build, '--parallel', '2'])
const native = ['--benchmark_min_time=0.2', `--benchmark_out=${results('native')}`, '--benchmark_out_format=json']
mkdirSync(join(root, 'bench/results'), { recursive: true })
run(join(build, 'native/bench/native_bench'), native)
keepFigures(results('native'))

/** Google Benchmark also writes host name and path of the machine: they are nobody's business. */
function keepFigures(file) {
  const { context, benchmarks } = JSON.parse(readFileSync(file, 'utf8'))
  const { host_name: _, executable: __, load_avg: ___, ...kept } = context
  writeFileSync(file, `${JSON.stringify({ context: kept, benchmarks }, null, 2)}\n`)
}

const end = (name, args) => run(process.execPath, [join(root, `bench/${name}.mjs`), ...args, '--json', results(name)])
const both = models.flatMap((model) => ['--model', model])
end('explain', both)
end('memory', both)
end('overlay', [])
end('masks', [])
end('top-channels', [])
end('event-loop', [])
end('large-photo', [])
end('tiny200', [])
end('mosaics', ['--variants'])
end('report', [])
