#include <cmath>
#include <limits>

#include "support.h"

namespace sess::test {
namespace {

TEST(Accumulate, SetsOrAddsTheScaledValues) {
  for (const std::int64_t n : {1, 3, 16, 1001, 131072, 300007}) {
    auto from = Random(1).floats(n, -2.0, 2.0);
    from[0] = std::numeric_limits<float>::infinity();
    const auto before = Random(2).floats(n, -2.0, 2.0);
    for (const auto mode : {Accumulation::set, Accumulation::add}) {
      const float factor = 0.3F;
      const auto out = onEveryBackend<float>(n, [&](Backend& b, Guarded<float>& o) {
        std::copy(before.begin(), before.end(), o.data());
        if (mode == Accumulation::set) o.data()[n - 1] = std::numeric_limits<float>::quiet_NaN();
        b.accumulate({from.data(), n, factor, mode, o.data()}, never());
      });
      for (std::int64_t i = 0; i < n; ++i) {
        const double product = static_cast<double>(factor) * static_cast<double>(at(from, i));
        const double exact = mode == Accumulation::set ? product : static_cast<double>(at(before, i)) + product;
        if (std::isinf(exact)) {
          ASSERT_EQ(static_cast<double>(out[i]), exact);
        } else {
          ASSERT_NEAR(static_cast<double>(out[i]), exact, 5e-7) << i;
        }
      }
    }
  }
}

}  // namespace
}  // namespace sess::test
