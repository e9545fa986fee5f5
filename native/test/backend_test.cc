#include <atomic>
#include <thread>

#include "core/error.h"
#include "support.h"

namespace sess::test {
namespace {

TEST(Backend, TheBaselineIsAlwaysThere) {
  ASSERT_FALSE(cpu::simdVariants().empty());
  EXPECT_EQ(cpu::simdVariants().front(), cpu::Simd::baseline);
}

TEST(Backend, EveryOpStopsWhenCancelled) {
  const auto backend = cpu::makeBackend(2, cpu::simdVariants().back());
  const CancelFlag now{true};
  std::vector<std::uint8_t> bytes(4 * 64 * 64, 1);
  std::vector<float> floats(3 * 64 * 64, 0.5F);
  std::vector<float> out(3 * 64 * 64 * 4);
  std::vector<double> scores(64);
  const std::vector<std::int32_t> zero{0}, origin{0, 0};
  const std::vector<std::uint8_t> colors(768);
  const auto aborts = [](const char* op, const auto& call) {
    try {
      call();
      ADD_FAILURE() << op << " was not cancelled";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::aborted) << op;
    }
  };
  const std::array<float, 3> one{1.0F, 1.0F, 1.0F};
  std::vector<std::uint8_t> rgb(3 * 64 * 64);
  aborts("copy", [&] { backend->copy({bytes.data(), rgb.data(), 64 * 64, Route::within}, now); });
  aborts("flatten", [&] { backend->flatten({bytes.data(), rgb.data(), 64 * 64}, now); });
  for (const std::int64_t side : {32, 90}) {
    aborts("pyramid", [&] {
      const Size level{side, side};
      const Rect band{0, 0, 32, 32};
      backend->pyramid({bytes.data(), {64, 64}, level, band, Filter::antialias, {0, 1, 2}, one, one, out.data()}, now);
    });
  }
  aborts("gather", [&] { backend->gather({floats.data(), {64, 64}, {8, 8}, origin, Layout::nchw, out.data()}, now); });
  aborts("score", [&] { backend->score({floats.data(), 10, zero, Activation::softmax, zero, scores.data()}, now); });
  aborts("camReduce", [&] {
    backend->camReduce({floats.data(), floats.data(), 4, {7, 7}, zero, true, out.data(), out.data() + 100}, now);
  });
  aborts("upsample", [&] { backend->upsample({floats.data(), {7, 7}, zero, {32, 32}, false, out.data()}, now); });
  aborts("smooth", [&] { backend->smooth({floats.data(), {64, 64}, 11, 5.0, out.data()}, now); });
  aborts("grey", [&] {
    backend->grey({floats.data(), 3, {8, 8}, Layout::nchw, zero, out.data(), out.data() + 100}, now);
  });
  aborts("noise", [&] { backend->noise({floats.data(), 100, zero, 0, 1, 0.1, out.data()}, now); });
  aborts("accumulate", [&] { backend->accumulate({floats.data(), 100, 0.5F, Accumulation::add, out.data()}, now); });
  const Images images{floats.data(), {16, 16}, Layout::nchw};
  const std::vector<Copy> copies{{0, 0}};
  aborts("channelRanges", [&] { backend->channelRanges({floats.data(), 4, 49, out.data()}, now); });
  aborts("groupReduce", [&] {
    backend->groupReduce({floats.data(), floats.data(), 1, 1, 49, 1, zero, out.data()}, now);
  });
  aborts("maskBatch", [&] {
    backend->maskBatch({images, nullptr, floats.data(), 1, {7, 7}, copies, out.data()}, now);
  });
  aborts("blur", [&] { backend->blur({images, 1, 5, 2.0, out.data()}, now); });
  aborts("ablate", [&] { backend->ablate({floats.data(), 1, 4, 49, copies, out.data()}, now); });
  const RiseMasks masks{1, 7, 0.5};
  aborts("riseMask", [&] { backend->riseMask({images, masks, copies, out.data()}, now); });
  aborts("riseReduce", [&] {
    backend->riseReduce({floats.data(), 10, masks, zero, {16, 16}, out.data(), out.data() + 256}, now);
  });
  const std::vector<PlacedSquare> squares{{0, 0, 0}};
  const std::vector<Point> points{{0, 0}};
  aborts("occlude", [&] { backend->occlude({images, {4, 4}, squares, out.data()}, now); });
  aborts("occlusionReduce", [&] {
    backend->occlusionReduce({floats.data(), {4, 4}, points, zero, {16, 16}, out.data(), out.data() + 256}, now);
  });
  aborts("overlay", [&] {
    const std::span<const std::uint8_t, 768> table(colors.data(), 768);
    backend->overlay({rgb.data(), floats.data(), 64 * 64, table, 0.0F, 1.0F, 0.5F, Opacity::constant, rgb.data()}, now);
  });
}

TEST(Backend, CallersOnSeveralThreadsGetWhatTheyGetAlone) {
  const auto backend = cpu::makeBackend(3, cpu::simdVariants().back());
  const auto map = Random(8).floats(200 * 300);
  const auto run = [&] {
    std::vector<float> out(map.size());
    backend->smooth({map.data(), {200, 300}, 11, 5.0, out.data()}, never());
    return out;
  };
  const auto alone = run();
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 6; ++t) {
    callers.emplace_back([&] {
      for (int i = 0; i < 20; ++i) wrong += run() == alone ? 0 : 1;
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(wrong.load(), 0);
}

}  // namespace
}  // namespace sess::test
