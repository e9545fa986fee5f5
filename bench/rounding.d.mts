export function rounding(bytes: Uint8Array): Uint8Array
