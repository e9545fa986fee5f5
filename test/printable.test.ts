import { expect, it } from 'vitest'
import { printable } from '../src/printable.ts'

it.each([
  ['tiger cat', 'tiger cat'],
  ['', ''],
  ['\x1b[31mred\x07', '\\x1b[31mred\\x07'],
  ['a\nb\tc\r', 'a\\x0ab\\x09c\\x0d'],
  ['\x00\x7f\x80\x9b\x9f', '\\x00\\x7f\\x80\\x9b\\x9f'],
  ['x\u202egnp.exe', 'x\\u202egnp.exe'],
  ['\u2028\u2029\u202a\u2066\u2069', '\\u2028\\u2029\\u202a\\u2066\\u2069'],
  ['Ä 漢字 عربي 👩‍👩‍👧 é', 'Ä 漢字 عربي 👩‍👩‍👧 é'],
  ['\xa0<b>&"\\', '\xa0<b>&"\\'],
])('%j is shown as %j', (text, shown) => expect(printable(text)).toBe(shown))
