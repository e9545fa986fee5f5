/** What ONNX Runtime's verbose log says of placement. */

const escapes = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, 'g')

/** Without colours. */
export const plainLog = (log) => log.replaceAll(escapes, '')

/** Operator and name of a node without a kernel. */
export const LACKING =
  /CUDA kernel not (?:found in registries|supported\. Fallback to CPU execution provider) for Op type: (\S+) node name: (.*)$/gm

/** A node that has a kernel but not for its attributes, and why. */
export const DROPPED = /Dropping the \w+ node: (\S+) to CPU because it (.*)$/gm

/** How many copies between processor and device were put into the graph. */
export const MEMCPY = /(\d+) Memcpy nodes are added to the graph/

/** How many nodes a graph has in the end, and those of each provider; of a graph that one has whole, none is listed. */
export function placedNodes(log) {
  const placed = { count: 0, CPUExecutionProvider: [], CUDAExecutionProvider: [] }
  let nodes = []
  for (const line of log.split('\n')) {
    const [, provider, count] = line.match(/(?:All nodes|Node\(s\)) placed on \[(\w+)\]\. Number of nodes: (\d+)/) ?? []
    if (provider !== undefined) {
      placed.count += Number(count)
      nodes = placed[provider]
    }
    const [, operator, name] = line.match(/VerifyEachNodeIsAssignedToAnEp\]\s+(\w+) \((.*)\)$/) ?? []
    if (operator !== undefined) nodes.push({ operator, name })
  }
  return placed
}
