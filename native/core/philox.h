#pragma once

#include <cstdint>

#include "core/hd.h"

namespace sess {

struct PhiloxCounter {
  std::uint32_t word[4];
};

struct PhiloxKey {
  std::uint32_t word[2];
};

/**
 * Philox4x32-10: 128 random bits that depend on counter and key alone, so any part of a stream can be made anywhere.
 * Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 */
SESS_HD_INLINE PhiloxCounter philox(PhiloxCounter c, PhiloxKey key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p = std::uint64_t{0xD2511F53U} * c.word[0], q = std::uint64_t{0xCD9E8D57U} * c.word[2];
    c = {{static_cast<std::uint32_t>(q >> 32) ^ c.word[1] ^ key.word[0], static_cast<std::uint32_t>(q),
          static_cast<std::uint32_t>(p >> 32) ^ c.word[3] ^ key.word[1], static_cast<std::uint32_t>(p)}};
    key = {{key.word[0] + 0x9E3779B9U, key.word[1] + 0xBB67AE85U}};
  }
  return c;
}

}  // namespace sess
