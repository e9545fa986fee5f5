import type { Explainer } from '../explainer.ts'

/** What a command sees of the process around it; tests put their own in its place. */
export interface Context {
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  readonly load: typeof Explainer.load
}
