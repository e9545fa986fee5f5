#pragma once

#include <cstddef>
#include <cstdint>

#include "core/normal.h"
#include "cpu/backend.h"

/**
 * The inner loops, written once in kernels/ and compiled for each instruction set. Every variant does the same float
 * operations in the same order on every element, so results are the same bits whichever runs.
 */
namespace sess::cpu {

/** Rows that the resize kernels carry side by side: pixel x, channel c of row r is at `[(x * 3 + c) * kLanes + r]`. */
inline constexpr std::int64_t kLanes = 16;

/** `expand` reads up to this many floats past the last sample it needs. */
inline constexpr std::int64_t kSlack = 16;

/** Weights of a stretch of outputs: output i sums `count[i]` samples from `first[i]`, its weights at `offset[i]`. */
struct TapsView {
  const std::int64_t* first;
  const std::int64_t* count;
  const std::int64_t* offset;
  const float* weights;
};

/** Photo rows that lie between the same two level rows. */
struct LerpRows {
  const float* upper;
  const float* lower;
  const float* fractions;  // one per photo row
  std::int64_t rows, columns;
  float weight, theta;
  float* sum;
  float* count;
  std::int64_t stride;  // of sum and count
};

/** Most pixels of a TintRun. */
inline constexpr std::int64_t kTintRun = 256;

/** t = clamp((map - low) / range, 0, 1), 0 for NaN. */
struct TintRun {
  const std::uint8_t* photo;
  const float* map;
  std::int64_t pixels;
  const float* colors;  // 256 x 4, the last unused
  float low, range, alpha;
  bool byValue;
  std::uint8_t* out;
};

struct Kernels {
  /** out[x] = sum_t weights[t] * src[t * stride + x], x < n. */
  void (*blendRows)(const std::uint8_t* src, std::int64_t stride, const float* weights, std::int64_t taps,
                    std::int64_t n, float* out);
  /** lanes[x * kLanes + r] = rows[r * stride + x], x < n. */
  void (*rowsToLanes)(const float* rows, std::int64_t stride, std::int64_t n, float* lanes);
  /** Adds to `sums` (columns x 3 x kLanes) what `lanes`, holding source columns [from, to), has of each output. */
  void (*blendLanes)(const float* lanes, std::int64_t from, std::int64_t to, TapsView taps, std::int64_t columns,
                     float* sums);
  /** out[c * plane + r * stride + x] = sums[(x * 3 + channels[c]) * kLanes + r] * scale[c] + bias[c], r < rows. */
  void (*lanesToRows)(const float* sums, std::int64_t columns, std::int64_t rows, const int* channels,
                      const float* scale, const float* bias, float* out, std::int64_t stride, std::int64_t plane);
  /** out = lerp(a, b, f). */
  void (*lerpRow)(const float* a, const float* b, float f, std::int64_t n, float* out);

  /** out[p] = sum_c weights[c] * planes[c * stride + p], p < n, summed in double. */
  void (*reduceChannels)(const float* planes, const float* weights, std::int64_t channels, std::int64_t stride,
                         std::int64_t n, float* out);
  /** sum += weight * values. */
  void (*addScaled)(const float* values, float weight, std::int64_t n, double* sum);

  /** The smallest and the largest value, NaN left out; +inf and -inf where there is none. */
  void (*bounds)(const float* values, std::int64_t n, float* lo, float* hi);
  /**
   * Extremes over `rows` x `n` samples of a bilinear surface: lerp(lerp(a[i], a[i + 1], g), lerp(b[i], b[i + 1], g), f)
   * with i = upper[y], g = fractions[y] and a, b: rows of `n` (a multiple of 16) left and right neighbours.
   */
  void (*extremes)(const float* a, const float* b, std::int64_t n, const std::int32_t* upper, const float* fractions,
                   std::int64_t rows, const float* f, float* lo, float* hi);
  /** out[x] = lerp(s, t, f[x]), s and t = src[left[x]] and the next. `dense`: left grows by at most 1 a step. */
  void (*expand)(const float* src, const std::int32_t* left, const float* f, std::int64_t n, bool dense, float* out);
  /** The same, then normalised. */
  void (*expandNormalised)(const float* src, const std::int32_t* left, const float* f, std::int64_t n, bool dense,
                           float lo, float range, float* out);

  /** v = lerp(upper, lower, f), L = weight * v; counts v > 0 (a tiny weight may make L underflow) and sums L. */
  void (*foldMean)(const LerpRows& rows);
  /** Counts and sums where L > theta. */
  void (*foldMeanAbove)(const LerpRows& rows);
  void (*foldMax)(const LerpRows& rows);
  void (*foldSum)(const LerpRows& rows);
  /** out = count > 0 ? sum / count : 0. */
  void (*finishMean)(const float* sum, const float* count, std::int64_t n, float* out);

  /** out[x] = half[0] * mid[x] + sum_k half[k] * (above_k[x] + below_k[x]); `rows` are 2 * reach + 1, from the top. */
  void (*smoothRow)(const float* const* rows, const float* half, std::int64_t reach, std::int64_t n, float* out);
  /** The same along a line whose neighbours lie `step` apart: out[x] from centre[x - reach * step] on. */
  void (*smoothAlong)(const float* centre, const float* half, std::int64_t reach, std::int64_t step, std::int64_t n,
                      float* out);

  /** out = image * mask. */
  void (*maskRun)(const float* image, const float* mask, std::int64_t n, float* out);
  /** out = mixed(image, background, mask). */
  void (*mixRun)(const float* image, const float* background, const float* mask, std::int64_t n, float* out);

  /** out = in + sigma * the stream's numbers from `first` (a multiple of kNormalBlock) on. */
  void (*addNoise)(const float* in, const NormalStream& stream, float sigma, std::int64_t first, std::int64_t n,
                   float* out);

  /** out = photo + opacity * (colors[round(255 * t)] - photo) to nearest; opacity = alpha or alpha * t. */
  void (*tint)(const TintRun& run);
  /** RGBA over white: (v * a + 255 * (255 - a) + 127) div 255. */
  void (*overWhiteRun)(const std::uint8_t* rgba, std::int64_t pixels, std::uint8_t* rgb);
};

/** The table of a variant that this processor runs. */
const Kernels& kernelsOf(Simd simd);

}  // namespace sess::cpu
