/** A decoded photo: 8-bit sRGB, upright, row-major, interleaved. Four channels: unpremultiplied alpha, to be flattened onto white. */
export interface Photo {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
  readonly channels: 3 | 4
}

/** What `explain` and `classify` take: a path, a file URL, encoded bytes, or raw 8-bit pixels of 1 to 4 channels. */
export type ImageSource = string | URL | Uint8Array | RawImage

export interface RawImage {
  readonly data: Uint8Array | Uint8ClampedArray
  readonly width: number
  readonly height: number
  readonly channels: 1 | 2 | 3 | 4
}

/** Where a photo came from. Raw pixels have no encoded form. */
export type PhotoProvenance =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'pixels' }
