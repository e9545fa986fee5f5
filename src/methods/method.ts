/** A base method: how one window's activations and gradient become its map. */
export interface Method {
  readonly name: string
  readonly title: string
  readonly source: string
}
