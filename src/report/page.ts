import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setImmediate as yieldToLoop } from 'node:timers/promises'
import { throwIfAborted } from '../io/abort.ts'
import type { Block } from './blocks.ts'
import type { ReportDocument } from './document.ts'

/** All that a page holds. */
export interface ReportContent {
  readonly document: ReportDocument
  readonly blocks: readonly Block[]
}

/** Bytes between two turns of the event loop, a multiple of base64's three: about a millisecond. */
const TURN = 3 << 18

/** The page in parts that are not joined in memory. Nothing in it is loaded from elsewhere, and its policy forbids it. */
export async function pageOf(
  { document, blocks }: ReportContent,
  signal?: AbortSignal,
): Promise<readonly Uint8Array[]> {
  const [script, style] = await Promise.all([bundled('browser.js'), bundled('browser.css')])
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    'img-src data: blob:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  const head = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="sess-saliency">
<meta name="referrer" content="no-referrer">
<title>${escapedText(document.title)}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<noscript>This report draws its map with a script that is part of this file. Allow scripts to see it.</noscript>
<script type="application/json" id="document">${escapedJson(document)}</script>
`
  const parts: Uint8Array[] = [Buffer.from(head)]
  for (const { id, bytes } of blocks) {
    throwIfAborted(signal)
    parts.push(Buffer.from(`<script type="text/plain" id="${id}">`), ...(await base64(bytes)))
    parts.push(Buffer.from('</script>\n'))
  }
  parts.push(Buffer.from(`<script>${script}</script>\n</body>\n</html>\n`))
  return parts
}

/** What the build makes of `client/`; in the same place whether this file runs from src/ or dist/. */
async function bundled(name: string): Promise<string> {
  return await readFile(new URL(`../../dist/report/${name}`, import.meta.url), 'utf8')
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

function escapedText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** JSON that no script element ends in: `<` can only stand in its strings. */
function escapedJson(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c')
}

async function base64(bytes: Uint8Array): Promise<readonly Uint8Array[]> {
  const { buffer, byteOffset, byteLength } = bytes
  const parts: Uint8Array[] = []
  for (let start = 0; start < byteLength; start += TURN) {
    const length = Math.min(TURN, byteLength - start)
    parts.push(Buffer.from(Buffer.from(buffer, byteOffset + start, length).toString('base64')))
    await yieldToLoop()
  }
  return parts
}
