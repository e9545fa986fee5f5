/** A name for a download: letters, digits and dashes of the parts, so that no system trips over it. */
export function fileName(...parts: readonly (string | undefined)[]): string {
  const plain = parts
    .map((part) =>
      part
        ?.normalize('NFC')
        .replace(/[^\p{L}\p{N}]+/gu, '-')
        .replace(/^-|-$/g, ''),
    )
    .filter((part) => part)
  return `${plain.join('.').slice(0, 120) || 'map'}.npy`
}
