import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import type { Report } from '../../src/report/report.ts'

const executablePath = process.env.SESS_CHROMIUM ?? '/usr/bin/chromium'

/** Why reports cannot be opened here, or `undefined`. In CI a missing browser is an error. */
export const chromiumMissing: string | undefined = existsSync(executablePath)
  ? undefined
  : `no Chromium at ${executablePath}; install Debian's chromium or set SESS_CHROMIUM`

if (chromiumMissing !== undefined && process.env.CI) throw new Error(chromiumMissing)

const args = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]

/** A page that shows a report, and what happened in it besides. */
export interface OpenedReport {
  readonly page: Page
  /** Messages of the console, errors, dialogs. */
  readonly complaints: readonly string[]
  /** Addresses that were asked for. */
  readonly requests: readonly string[]
  readonly url: string
}

/** One browser, and reports in a folder of their own. */
export class Reports {
  readonly #browser: Browser
  readonly #folder = mkdtempSync(join(tmpdir(), 'sess-report-'))
  #count = 0

  private constructor(browser: Browser) {
    this.#browser = browser
  }

  static async start(): Promise<Reports> {
    return new Reports(await chromium.launch({ executablePath, args }))
  }

  async stop(): Promise<void> {
    await this.#browser.close()
    rmSync(this.#folder, { recursive: true })
  }

  /** Opens a report from its file and waits until it can be used. */
  async open(report: Report, options: BrowserContextOptions = {}): Promise<OpenedReport> {
    const path = join(this.#folder, `${this.#count++}.html`)
    await report.toFile(path)
    const context = await this.#browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
    const page = await context.newPage()
    const complaints: string[] = []
    const requests: string[] = []
    page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`))
    page.on('pageerror', (error) => complaints.push(`error: ${error.message}`))
    page.on('dialog', (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    page.on('request', (request) => requests.push(request.url()))
    const url = pathToFileURL(path).href
    await page.goto(url)
    await page.waitForSelector('html[data-state="ready"]')
    return { page, complaints, requests, url }
  }
}

export interface CanvasPixels {
  readonly width: number
  readonly height: number
  /** Four bytes each. */
  readonly data: Uint8Array
}

/** What the picture's canvas holds, after what is pending is drawn. */
export async function pixelsOf(page: Page): Promise<CanvasPixels> {
  const { base64, ...size } = await page.evaluate<{ width: number; height: number; base64: string }>(readPixels)
  return { ...size, data: Buffer.from(base64, 'base64') }
}

/** Runs in the page, where the tests' own types end. */
const readPixels = `(async () => {
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
  const canvas = document.querySelector('.picture canvas')
  const { width, height } = canvas
  const copy = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
  copy.drawImage(canvas, 0, 0)
  const { data } = copy.getImageData(0, 0, width, height)
  let binary = ''
  for (let i = 0; i < data.length; i += 8192) binary += String.fromCharCode(...data.subarray(i, i + 8192))
  return { width, height, base64: btoa(binary) }
})()`

/** Moves a slider as a reader does who types: by its own events. */
export async function slide(page: Page, label: string, percent: number): Promise<void> {
  await page.getByLabel(label, { exact: true }).fill(String(percent))
}
