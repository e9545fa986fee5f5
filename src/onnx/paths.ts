import { type Graph, nodeReads } from './graph.ts'
import type { Shapes } from './shapes.ts'

/** Every name that depends on `from` through any kind of tensor (shapes included). */
export function dependents(graph: Graph, from: string): ReadonlySet<string> {
  const reached = new Set([from])
  for (const node of graph.nodes) {
    if (nodeReads(node).some((read) => reached.has(read))) for (const output of node.output) reached.add(output)
  }
  reached.delete('')
  return reached
}

/** The tensors that carry values from `from` to `to`, both included: floats only, so shape arithmetic is left out. */
export function tensorsBetween(graph: Graph, shapes: Shapes, from: string, to: string): ReadonlySet<string> {
  const carriesValues = (name: string): boolean => {
    const dtype = shapes.get(name)?.dtype
    return dtype === undefined || !['int64', 'bool'].includes(dtype)
  }
  const reached = new Set([from])
  for (const node of graph.nodes) {
    if (!nodeReads(node).some((read) => reached.has(read))) continue
    for (const output of node.output) if (output !== '' && carriesValues(output)) reached.add(output)
  }
  const between = new Set<string>()
  if (!reached.has(to)) return between
  const pending = [to]
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (between.has(name)) continue
    between.add(name)
    const producer = name === from ? undefined : graph.producers.get(name)
    if (producer !== undefined) pending.push(...nodeReads(producer).filter((read) => reached.has(read)))
  }
  return between
}

/**
 * The tensors that every path from `from` to `to` passes, nearest to `to` first, both ends included: the chain of
 * immediate dominators of `to` (Cooper, Harvey and Kennedy's intersection, which needs one pass without cycles).
 */
export function dominators(graph: Graph, between: ReadonlySet<string>, from: string, to: string): readonly string[] {
  const parent = new Map<string, string>()
  const depth = new Map([[from, 0]])
  const meet = (a: string, b: string): string => {
    let [x, y] = [a, b]
    while (x !== y) {
      if ((depth.get(x) ?? 0) >= (depth.get(y) ?? 0)) x = parent.get(x) ?? from
      else y = parent.get(y) ?? from
    }
    return x
  }
  for (const node of graph.nodes) {
    const reads = nodeReads(node).filter((read) => between.has(read))
    const [first, ...others] = reads
    if (first === undefined) continue
    const dominator = others.reduce(meet, first)
    for (const output of node.output.filter((name) => between.has(name) && name !== from)) {
      parent.set(output, dominator)
      depth.set(output, (depth.get(dominator) ?? 0) + 1)
    }
  }
  const chain = [to]
  for (let name = parent.get(to); name !== undefined; name = parent.get(name)) chain.push(name)
  return chain
}
