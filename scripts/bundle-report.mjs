/** dist/report/browser.js and browser.css: what runs in a report's page, each one file to be written into it. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const client = (name) => join(root, 'src/report/client', name)

export async function bundleReport() {
  await build({
    absWorkingDir: root,
    entryPoints: ['main.ts', 'page.css'].map((name) => ({ in: client(name), out: 'browser' })),
    outdir: join(root, 'dist/report'),
    bundle: true,
    minify: true,
    charset: 'utf8',
    format: 'iife',
    target: 'es2022',
    platform: 'browser',
    tsconfig: client('tsconfig.json'),
    logLevel: 'warning',
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundleReport()
