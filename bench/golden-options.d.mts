import type { ExplainOptions } from '../src/options.ts'

/** What a golden's file says of how it was made. */
export interface GoldenOptions {
  readonly target: number
  readonly given_target?: number | null
  readonly scales?: readonly number[]
  readonly step?: number
  readonly ratio?: number
  readonly theta?: number
  readonly mode?: 'mean' | 'max' | 'average'
  readonly smooth?: boolean
  readonly antialias?: boolean
  readonly sess?: boolean
  readonly method?: string
}

export function goldenOptions(options: GoldenOptions): ExplainOptions & { readonly target: number | string }
