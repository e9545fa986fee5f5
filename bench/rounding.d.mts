export function rounding(bytes: Uint8Array): Uint8Array
export function multiplyingInTf32(bytes: Uint8Array): Uint8Array
