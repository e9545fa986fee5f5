#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "core/hd.h"
#include "core/philox.h"

/** Standard normal numbers, the same bits on every device: plain float32 operations, no library function but sqrt. */
namespace sess {

SESS_HD_INLINE std::uint32_t bitsOf(float v) {
  std::uint32_t bits;
  std::memcpy(&bits, &v, sizeof bits);
  return bits;
}

SESS_HD_INLINE float floatOf(std::uint32_t bits) {
  float v;
  std::memcpy(&v, &bits, sizeof v);
  return v;
}

/** ln(u) of u in (0, 1], never above 0; the polynomial is Cephes' logf. */
SESS_HD_INLINE float logOfUnit(float u) {
  const std::uint32_t bits = bitsOf(u);
  const std::int32_t exponent = static_cast<std::int32_t>(bits - 0x3F3504F3U) >> 23;  // of u over sqrt(1/2)
  const float m = floatOf(bits - (static_cast<std::uint32_t>(exponent) << 23));       // [sqrt(1/2), sqrt(2))
  const auto e = static_cast<float>(exponent);
  const float z = m - 1.0F, zz = z * z;
  float p = 7.0376836292E-2F;
  p = p * z - 1.1514610310E-1F;
  p = p * z + 1.1676998740E-1F;
  p = p * z - 1.2420140846E-1F;
  p = p * z + 1.4249322787E-1F;
  p = p * z - 1.6668057665E-1F;
  p = p * z + 2.0000714765E-1F;
  p = p * z - 2.4999993993E-1F;
  p = p * z + 3.3333331174E-1F;
  const float tail = p * zz * z - 2.12194440E-4F * e - 0.5F * zz;
  return z + tail + 0.693359375F * e;
}

struct NormalPair {
  float first, second;
};

/** Two independent normal numbers of 64 random bits (Box and Muller 1958): a radius, and a point of the unit circle. */
SESS_HD_INLINE NormalPair normalPair(std::uint32_t radiusBits, std::uint32_t angleBits) {
  const float u = (static_cast<float>(static_cast<std::int32_t>(radiusBits >> 1)) + 0.5F) * 0x1p-31F;
  const float radius = std::sqrt(-2.0F * logOfUnit(u));
  // A quarter of the circle around 0 from 30 bits, by Cephes' sinf and cosf; the other two bits choose the quarter.
  const std::int32_t turn = static_cast<std::int32_t>(angleBits & 0x3FFFFFFFU) - (1 << 29);
  const float x = static_cast<float>(turn) * (1.57079632679F * 0x1p-30F), xx = x * x;
  const float sine = ((-1.9515295891E-4F * xx + 8.3321608736E-3F) * xx - 1.6666654611E-1F) * xx * x + x;
  const float cosine =
      ((2.443315711809948E-5F * xx - 1.388731625493765E-3F) * xx + 4.166664568298827E-2F) * xx * xx - 0.5F * xx + 1.0F;
  // Bits, not branches: those would keep the loop over lanes out of vectors.
  const std::uint32_t s = bitsOf(sine), c = bitsOf(cosine) ^ (angleBits & 0x80000000U);
  const std::uint32_t swapped = (s ^ c) & (0U - (angleBits >> 30 & 1U));
  return {radius * floatOf(c ^ swapped), radius * floatOf(s ^ swapped)};
}

/** One image's noise. */
struct NormalStream {
  std::uint64_t seed;
  std::uint32_t window, copy;
};

/** Numbers come in blocks: lane i of kNormalLanes counters gives the numbers i, i + lanes, i + 2 lanes, i + 3 lanes. */
inline constexpr std::int64_t kNormalLanes = 16, kNormalBlock = 4 * kNormalLanes;

struct NormalFour {
  float at[4];
};

/** The numbers of lane `lane` in block `block`. */
SESS_HD_INLINE NormalFour normalFour(const NormalStream& stream, std::uint32_t block, std::uint32_t lane) {
  const PhiloxKey key{{static_cast<std::uint32_t>(stream.seed), static_cast<std::uint32_t>(stream.seed >> 32)}};
  const std::uint32_t counter = block * static_cast<std::uint32_t>(kNormalLanes) + lane;
  const PhiloxCounter bits = philox({{counter, stream.copy, stream.window, 0U}}, key);
  const NormalPair p = normalPair(bits.word[0], bits.word[1]), q = normalPair(bits.word[2], bits.word[3]);
  return {{p.first, p.second, q.first, q.second}};
}

/** Number `i` by itself. */
SESS_HD inline float normalAt(const NormalStream& stream, std::int64_t i) {
  const auto block = static_cast<std::uint32_t>(i / kNormalBlock), lane = static_cast<std::uint32_t>(i % kNormalLanes);
  return normalFour(stream, block, lane).at[i % kNormalBlock / kNormalLanes];
}

}  // namespace sess
