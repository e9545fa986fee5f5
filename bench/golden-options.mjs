/** The reference data's options in the library's words. */
export function goldenOptions(options) {
  const { given_target, target, scales, step, ratio, theta, mode, smooth, antialias, sess, method } = options
  const named = { scales, step, preFilter: ratio, theta, fusion: mode, smooth, antialias, sess, method }
  const stated = Object.entries(named).filter(([, value]) => value !== undefined)
  return { target: given_target === null ? 'top-1' : (given_target ?? target), ...Object.fromEntries(stated) }
}
