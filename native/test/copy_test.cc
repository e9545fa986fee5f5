#include <vector>

#include "cuda/halves.h"
#include "support.h"

namespace sess::test {
namespace {

std::vector<std::uint8_t> someBytes(std::int64_t n) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 31 + i / 251);
  return bytes;
}

TEST(Copy, BringsEveryByteByEveryRoute) {
  for (const std::int64_t n : {0, 1, 63, 1 << 20, (3 << 20) + 5}) {
    const auto from = someBytes(n);
    for (const Route route : {Route::within, Route::toDevice, Route::toProcessor}) {
      const auto to = onEveryBackend<std::uint8_t>(n, [&](Backend& b, Guarded<std::uint8_t>& o) {
        b.copy({from.data(), o.data(), n, route}, never());
      });
      for (std::int64_t i = 0; i < n; ++i) ASSERT_EQ(to[i], from[static_cast<std::size_t>(i)]);
    }
  }
}

TEST(Copy, AsksForAPieceBeforeItTakesTheLastButNeverIntoAHalfThatIsFull) {
  constexpr std::size_t kHalf = 8;
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, kHalf, 2 * kHalf, 5 * kHalf + 3}) {
    const auto from = someBytes(static_cast<std::int64_t>(bytes));
    std::vector<std::uint8_t> ring(2 * kHalf), to(bytes);
    bool full[2] = {false, false};
    std::size_t most = 0;
    cuda::throughHalves(
        bytes, kHalf,
        [&](int half, std::size_t at, std::size_t n) {
          EXPECT_FALSE(full[half]);
          full[half] = true;
          most = std::max<std::size_t>(most, (full[0] ? 1 : 0) + (full[1] ? 1 : 0));
          std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(at), n,
                      ring.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(half) * kHalf));
        },
        [&](int half, std::size_t at, std::size_t n) {
          EXPECT_TRUE(full[half]);
          full[half] = false;
          std::copy_n(ring.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(half) * kHalf), n,
                      to.begin() + static_cast<std::ptrdiff_t>(at));
        });
    EXPECT_EQ(to, from);
    EXPECT_EQ(most, std::min<std::size_t>(2, (bytes + kHalf - 1) / kHalf));
  }
}

}  // namespace
}  // namespace sess::test
