#pragma once

#include "core/hd.h"

/** The arithmetic of a window's map (SEMANTICS 2 and 5), the same bits on every device: no contraction anywhere. */
namespace sess {

/** Exactly `a` where b == a: a plateau stays one. */
SESS_HD inline float lerp(float a, float b, float f) { return a + f * (b - a); }

/**
 * 0 where `s` is the minimum `lo` and 1 where it is `lo + range`; a division, for 1 / range can overflow. Of a
 * rectified surface, `lo` is at least 0 and samples below it count as it.
 */
SESS_HD inline float normalised(float s, float lo, float range) { return ((s < lo ? lo : s) - lo) / range; }

/** A copy's sample under a mask in [0, 1]: exactly `x` where it is 1, exactly `background` where it is 0. */
SESS_HD inline float mixed(float x, float background, float mask) { return x * mask + background * (1.0F - mask); }

/** max(v, 0) that lets NaN through, so that it can be detected. */
SESS_HD inline float relu(float v) { return v <= 0.0F ? 0.0F : v; }

}  // namespace sess
