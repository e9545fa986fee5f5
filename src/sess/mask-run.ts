import type { Answer, MaskWeight } from '../methods/masks.ts'
import {
  ablate,
  blur,
  channelRanges,
  groupReduce,
  maskBatch,
  occlude,
  riseMask,
  score,
  type Tensor,
} from '../native.ts'
import { type Buffers, inputsOf } from './buffers.ts'
import { groupChannels } from './group-channels.ts'
import type { GroupSource, MaskBuffers } from './mask-buffers.ts'
import type { MaskSet, PlannedCopies } from './mask-set.ts'
import type { WindowsInput } from './windows-input.ts'
import type { WorkAhead } from './work-ahead.ts'

/** A Gaussian over the window for masks to blend with (Group-CAM). */
const blurKernel = { size: 51, sigma: 50 }

/** Targets that share the masks: all of them, or one where masks depend on the class. */
interface Sharing {
  /** Places among the targets. */
  readonly targets: readonly number[]
  /** What masks are cut from, batch x masks x u x v; undefined where none are. */
  readonly features: Tensor<'float32'> | undefined
}

/**
 * Asks the model about masked copies of the windows in the model's input, several windows in one batch, and gives each
 * mask its weight by the answer.
 */
export class MaskRun {
  readonly #input: WindowsInput
  readonly #set: MaskSet
  readonly #weight: MaskWeight
  readonly #buffers: Buffers
  readonly #work: WorkAhead

  constructor(
    input: WindowsInput,
    copies: Extract<PlannedCopies, { kind: 'masked' }>,
    buffers: Buffers,
    work: WorkAhead,
  ) {
    this.#input = input
    this.#set = copies.set
    this.#weight = copies.weight
    this.#buffers = buffers
    this.#work = work
  }

  /** Writes the weights of the masks of the first `rows` windows, whose own pass came last, for each target. */
  async weigh(rows: number, targets: readonly number[]): Promise<void> {
    const masks = this.#buffers.masks
    if (masks === undefined) return
    await this.#askReferences(rows, targets, masks)
    for (const sharing of await this.#sharings(rows, masks)) {
      const asked = await this.#askedMasks(rows, sharing, masks)
      await this.#ask(asked, sharing, targets, masks)
      this.#work.skip(this.#mostAsked(rows) - asked.length)
      await this.#work.finish()
      this.#writeWeights(rows, asked, sharing, masks)
    }
  }

  /** The answers that the masked copies are held against. */
  async #askReferences(rows: number, targets: readonly number[], masks: MaskBuffers): Promise<void> {
    const { stream, model } = this.#input
    const { input, logits, copy } = this.#buffers
    let answered = logits
    if (masks.source.kind === 'groups' && copy !== undefined) {
      const { blurred } = masks.source
      this.#work.enqueue('gather', blur(stream, input, { rows, layout: model.layout, ...blurKernel }, blurred))
      this.#enqueueRun(blurred, copy.logits, rows)
      answered = copy.logits
    }
    this.#enqueueScore(answered, targets, range(rows), masks.references)
  }

  /** The sets of masks, each shared by some of the targets. */
  async #sharings(rows: number, { source }: MaskBuffers): Promise<readonly Sharing[]> {
    const all = [...this.#buffers.perTarget.keys()]
    if (source.kind === 'activations') return [{ targets: all, features: source.features }]
    if (source.kind !== 'groups') return [{ targets: all, features: undefined }]
    const sharings: Sharing[] = []
    for (const [t, group] of source.perTarget.entries()) {
      const assignment = await this.#assignment(rows, group)
      const { activations, weights, groups } = group
      const op = groupReduce(this.#input.stream, activations, weights, { rows, assignment }, groups)
      this.#work.enqueue('reduce', op)
      sharings.push({ targets: [t], features: groups })
    }
    return sharings
  }

  /** The group of each channel of each row. */
  async #assignment(rows: number, { activations, weights }: GroupSource): Promise<Int32Array> {
    const { seed, signal } = this.#input
    const set = this.#set
    if (set.kind !== 'groups') return new Int32Array()
    if (set.grouping === 'consecutive') {
      const size = Math.ceil(set.channels / set.count)
      return Int32Array.from({ length: rows * set.channels }, (_, i) => Math.floor((i % set.channels) / size))
    }
    await this.#work.finish()
    const stopped = () => signal?.aborted ?? false
    return await groupChannels(activations.read(rows), weights.read(rows), { rows, seed, ...set }, stopped)
  }

  /**
   * The masks worth asking, as row x masks + mask: no flat ones, and where only some are wanted those of the largest
   * variance.
   */
  async #askedMasks(rows: number, { features }: Sharing, { source }: MaskBuffers): Promise<Int32Array> {
    const { count } = this.#set
    const every = Int32Array.from({ length: rows * count }, (_, slot) => slot)
    if (features === undefined || !('ranges' in source)) return every
    this.#work.enqueue('reduce', channelRanges(this.#input.stream, features, { rows }, source.ranges))
    await this.#work.finish()
    const ranges = source.ranges.read(rows)
    const at = (slot: number, field: number) => ranges[slot * 3 + field] ?? Number.NaN
    const uneven = every.filter((slot) => at(slot, 1) > at(slot, 0))
    const top = this.#set.kind === 'activations' ? this.#set.top : count
    if (top === count) return uneven
    return Int32Array.from(
      range(rows).flatMap((row) => {
        const ofRow = [...uneven].filter((slot) => Math.floor(slot / count) === row)
        return ofRow.sort((a, b) => at(b, 2) - at(a, 2) || a - b).slice(0, top)
      }),
    )
  }

  /** Runs the masked copies, so many at once as a batch has. */
  async #ask(
    asked: Int32Array,
    { targets: places, features }: Sharing,
    targets: readonly number[],
    { answers, source }: MaskBuffers,
  ): Promise<void> {
    const { plan } = this.#input
    const { copy } = this.#buffers
    if (copy === undefined) return
    const classes = places.map((place) => targets[place] ?? -1)
    for (let next = 0; next < asked.length; next += plan.batch) {
      const some = asked.subarray(next, next + plan.batch)
      this.#work.enqueue('gather', this.#mask(some, features, source, copy.input))
      this.#enqueueRun(copy.input, copy.logits, some.length)
      this.#enqueueScore(copy.logits, classes, some, answers)
      await this.#work.makeRoom()
    }
  }

  /** Puts masked copies into `out`. */
  #mask(
    some: Int32Array,
    features: Tensor<'float32'> | undefined,
    source: MaskBuffers['source'],
    out: Tensor<'float32'>,
  ): Promise<number> {
    const { stream, model, seed } = this.#input
    const { input } = this.#buffers
    const { layout } = model
    const set = this.#set
    const placed = Array.from(some, (slot) => ({ row: Math.floor(slot / set.count), mask: slot % set.count }))
    const pairs = Int32Array.from(placed.flatMap(({ row, mask }) => [row, mask]))
    if (features !== undefined) {
      const background = source.kind === 'groups' ? source.blurred : null
      return maskBatch(stream, input, background, features, { pairs, layout }, out)
    }
    if (source.kind === 'ablations') return ablate(stream, source.layer, { pairs, axis: source.axis }, out)
    if (set.kind === 'squares') {
      const size = { height: set.side, width: set.side }
      const squares = Int32Array.from(
        placed.flatMap(({ row, mask }) => [row, set.origins[2 * mask] ?? 0, set.origins[2 * mask + 1] ?? 0]),
      )
      return occlude(stream, input, { squares, size, layout }, out)
    }
    if (set.kind !== 'random') throw new RangeError(`no masks of kind ${set.kind} are drawn`)
    const { grid, keep } = set
    return riseMask(stream, input, { pairs, seed, grid, keep, layout }, out)
  }

  #enqueueRun(images: Tensor<'float32'>, logits: Tensor<'float32'>, rows: number): void {
    const { stream, model, asker = model } = this.#input
    const bindings = { inputs: inputsOf(asker, images, this.#buffers), outputs: { [asker.logits]: logits }, rows }
    this.#work.enqueue('inference', asker.session.run(stream, bindings))
    this.#work.close(rows)
  }

  #enqueueScore(
    logits: Tensor<'float32'>,
    targets: readonly number[],
    rows: ArrayLike<number>,
    scores: Tensor<'float64'>,
  ): void {
    const { stream, model } = this.#input
    const options = { targets: Int32Array.from(targets), activation: model.activation, rows: Int32Array.from(rows) }
    this.#work.enqueue('reduce', score(stream, logits, options, scores))
  }

  /** Masks that were not asked weigh nothing. */
  #writeWeights(rows: number, asked: Int32Array, { targets }: Sharing, masks: MaskBuffers): void {
    const { count } = this.#set
    const { perTarget } = this.#buffers
    const answers = masks.answers.read(rows * count)
    const references = masks.references.read(rows)
    for (const [k, place] of targets.entries()) {
      const weights = new Float32Array(rows * count)
      for (const slot of asked) {
        const reference = answerAt(references, Math.floor(slot / count) * perTarget.length + place)
        weights[slot] = this.#weight(answerAt(answers, slot * targets.length + k), reference)
      }
      const source = perTarget[place]?.source
      if (source !== undefined && source.kind !== 'pixels') source.weights.write(weights)
    }
  }

  /** Masked copies that a plan counts for one sharing of so many windows. */
  #mostAsked(rows: number): number {
    return rows * (this.#set.kind === 'activations' ? this.#set.top : this.#set.count)
  }
}

function answerAt(answers: Float64Array, place: number): Answer {
  return { logit: answers[2 * place] ?? Number.NaN, probability: Math.exp(answers[2 * place + 1] ?? Number.NaN) }
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i)
}
