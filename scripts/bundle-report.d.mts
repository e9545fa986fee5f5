export function bundleReport(): Promise<void>
