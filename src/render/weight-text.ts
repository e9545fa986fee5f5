/** A weight as it is read beside a picture: two decimals, and what would be shown as none as less than the least. */
export function weightText(weight: number): string {
  return weight > 0 && weight < 0.005 ? '< 0.01' : weight.toFixed(2)
}
