/** Control characters, line ends, and what overrides the direction of a text. */
const hidden = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

/**
 * A text of others (a file's name, a label, a manifest's title) on one line and without effect on what shows it:
 * characters that steer a terminal or turn text around are written as `\x1b`, `\u202e`.
 */
export function printable(text: string): string {
  return text.replace(hidden, (character) => {
    const code = character.codePointAt(0) ?? 0
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
}
