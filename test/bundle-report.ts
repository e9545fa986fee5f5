import { bundleReport } from '../scripts/bundle-report.mjs'

/** What runs in a report's page, of the sources as they are: once, before all tests. */
export default async function setup(): Promise<void> {
  await bundleReport()
}
