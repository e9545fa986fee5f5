import { methodByName } from '../methods/index.ts'
import { copiesOf } from '../methods/method.ts'
import type { MethodArguments } from './method-arguments.ts'

/** Options that make a run of these methods shorter, the most telling first: what to give, or to give less of. */
export function cheaperOptions(
  methods: readonly string[],
  given: MethodArguments & {
    readonly sess?: boolean
    readonly preFilter?: number | undefined
    readonly scales?: number | readonly number[] | undefined
  },
): readonly string[] {
  const copies = methods.map((name) => copiesOf(methodByName(name)))
  const kinds = new Set(copies.map((each) => (each.kind === 'masked' ? each.masks.kind : each.kind)))
  const hasSess = given.sess !== false
  const asksAgain = [...kinds].some((kind) => kind !== 'none')
  const fewer = (flag: string, value: unknown) => (value === undefined ? flag : `a lower ${flag}`)
  return [
    ...(kinds.has('activations') ? [fewer('--top-channels', given.topChannels)] : []),
    ...(kinds.has('groups') ? [fewer('--groups', given.groups)] : []),
    ...(kinds.has('random') ? [fewer('--masks', given.masks)] : []),
    ...(kinds.has('squares') ? [given.stride === undefined ? '--stride' : 'a higher --stride'] : []),
    ...(kinds.has('noise') || kinds.has('path') ? [fewer('--samples', given.samples)] : []),
    ...(hasSess && asksAgain ? [given.preFilter === undefined ? '--pre-filter' : 'a higher --pre-filter'] : []),
    ...(hasSess ? [given.scales === undefined ? '--scales' : 'fewer --scales'] : []),
  ]
}
