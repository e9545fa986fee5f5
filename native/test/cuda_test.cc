// What the table of backends in support.h does not say about the CUDA kernels.
#include <array>
#include <stdexcept>

#include "core/error.h"
#include "cuda/architectures.h"
#include "cuda/device.h"
#include "cuda/launched_backend.h"
#include "fusion_cases.h"
#include "host_launch.h"

namespace sess::test {
namespace {

using OnHost = cuda::LaunchedBackend<HostLauncher>;

/** The kernels, their threads running at once: a race shows under ThreadSanitizer, and often by itself. */
template <class T>
void expectSame(std::int64_t n, const std::function<void(Backend&, Guarded<T>&)>& op, double within = 0.0) {
  const auto cpu = cpu::makeBackend(1, cpu::Simd::baseline);
  OnHost concurrent(Turns::concurrent);
  Guarded<T> expected(n), out(n);
  op(*cpu, expected);
  op(concurrent, out);
  EXPECT_TRUE(out.intact());
  EXPECT_LE(farthest(out, expected, false), within);
}

TEST(CudaKernels, ThreadsOfATeamDoNotRace) {
  Random random(1);
  const FusionCase windows(fusionShapes()[3], 5);
  for (const Fusion mode : {Fusion::mean, Fusion::max}) {
    expectSame<float>(37 * 53,
                      [&](Backend& b, Guarded<float>& o) { b.fuse(windows.args(mode, 0.0F, o.data()), never()); });
  }
  const auto map = random.floats(40 * 150);
  expectSame<float>(40 * 150, [&](Backend& b, Guarded<float>& o) {
    b.smooth({map.data(), {40, 150}, 11, 5.0, o.data()}, never());
  });
  const std::vector<std::int32_t> rows{1, 0}, targets{3, 0};
  const auto a = random.floats(2 * 33 * 15), w = random.floats(2 * 33, -1.0, 1.0);
  std::array<float, 2> peaks{};
  expectSame<float>(2 * 15, [&](Backend& b, Guarded<float>& o) {
    b.camReduce({a.data(), w.data(), 33, {3, 5}, rows, true, o.data(), peaks.data()}, never());
  });
  const auto logits = random.floats(2 * 700, -5.0, 5.0);
  expectSame<double>(
      8,
      [&](Backend& b, Guarded<double>& o) {
        b.score({logits.data(), 700, targets, Activation::softmax, rows, o.data()}, never());
      },
      1e-12);
  const auto gradients = random.floats(2 * 3 * 700, -1.0, 1.0);
  expectSame<float>(2 * 700, [&](Backend& b, Guarded<float>& o) {
    b.grey({gradients.data(), 3, {20, 35}, Layout::nhwc, rows, o.data(), peaks.data()}, never());
  });
  expectSame<float>(2 * 3 * 700, [&](Backend& b, Guarded<float>& o) {
    b.noise({gradients.data(), 3 * 700, rows, 1, 7, 0.1, o.data()}, never());
  });
  const auto photo = random.bytes(90 * 121 * 3);
  const std::array<float, 3> scale{0.1F, 0.2F, 0.3F}, bias{0.0F, -1.0F, 1.0F};
  expectSame<float>(3 * 20 * 30, [&](Backend& b, Guarded<float>& o) {
    b.pyramid({photo.data(), {90, 121}, {30, 40}, {5, 7, 20, 30}, Filter::antialias, {2, 1, 0}, scale, bias, o.data()},
              never());
  });
  expectSame<float>(2 * 9 * 31, [&](Backend& b, Guarded<float>& o) {
    b.upsample({a.data(), {3, 5}, rows, {9, 31}, false, o.data()}, never());
  });
}

TEST(CudaKernels, ThreadsOfATeamDoNotRaceInMasksAndRegions) {
  Random random(2);
  const FusionCase windows(fusionShapes()[3], 5);
  expectSame<float>(2 * 37 * 53, [&](Backend& b, Guarded<float>& o) {
    b.fold({windows.args(Fusion::mean, 0.0F, nullptr), 0.0, o.data()}, never());
  });
  const Size size{9, 31};
  constexpr std::int64_t kPixels = 9 * 31, kImage = 3 * kPixels;
  const auto features = random.floats(2 * 5 * 15), images = random.floats(2 * kImage, -2.0, 2.0);
  expectSame<float>(30, [&](Backend& b, Guarded<float>& o) {
    b.channelRanges({features.data(), 10, 15, o.data()}, never());
  });
  const std::vector<Copy> copies{{1, 4}, {0, 0}, {1, 2}};
  const Images rows{images.data(), size, Layout::nhwc};
  expectSame<float>(3 * kImage, [&](Backend& b, Guarded<float>& o) {
    b.maskBatch({rows, nullptr, features.data(), 5, {3, 5}, copies, o.data()}, never());
  });
  expectSame<float>(2 * kImage, [&](Backend& b, Guarded<float>& o) { b.blur({rows, 2, 11, 5.0, o.data()}, never()); });
  expectSame<float>(3 * 75, [&](Backend& b, Guarded<float>& o) {
    b.ablate({features.data(), 1, 5, 15, copies, o.data()}, never());
  });
  const std::vector<PlacedSquare> squares{{0, 0, 0}, {1, 5, 26}, {1, 3, 7}};
  expectSame<float>(3 * kImage, [&](Backend& b, Guarded<float>& o) {
    b.occlude({rows, {4, 5}, squares, o.data()}, never());
  });
  const auto weights = random.floats(2 * 3, -1.0, 0.5);
  const std::vector<std::int32_t> slots{1, 0};
  std::array<float, 2> peaks{};
  expectSame<float>(
      2 * kPixels,
      [&](Backend& b, Guarded<float>& o) {
        b.riseReduce({weights.data(), 3, {5, 7, 0.5}, slots, size, o.data(), peaks.data()}, never());
      },
      1e-6);
  const std::vector<Point> points{{0, 0}, {5, 26}, {3, 7}};
  expectSame<float>(2 * kPixels, [&](Backend& b, Guarded<float>& o) {
    b.occlusionReduce({weights.data(), {4, 5}, points, slots, size, o.data(), peaks.data()}, never());
  });
}

TEST(CudaKernels, AddressesThatADeviceRefusesAreRefusedOnTheHost) {
  alignas(16) std::array<float, 8> memory{};
  EXPECT_NO_THROW((void)cuda::loadAligned<cuda::Float4>(memory.data() + 4));
  EXPECT_THROW((void)cuda::loadAligned<cuda::Float4>(memory.data() + 1), std::logic_error);
  EXPECT_THROW(cuda::storeAligned(memory.data() + 2, cuda::Float4{}), std::logic_error);
}

TEST(CudaDevice, KernelsRunWhereTheirArchitectureSays) {
  constexpr std::array<cuda::Architecture, 4> built{{{75, false}, {80, false}, {86, false}, {120, true}}};
  const auto runs = [&](int major, int minor) { return cuda::runsOn(built, major, minor); };
  EXPECT_FALSE(runs(7, 0));
  EXPECT_TRUE(runs(7, 5));
  EXPECT_TRUE(runs(8, 0));
  EXPECT_TRUE(runs(8, 9));  // by the code for 8.6
  EXPECT_FALSE(runs(9, 0));
  EXPECT_FALSE(runs(10, 3));
  EXPECT_TRUE(runs(12, 0));
  EXPECT_TRUE(runs(12, 1));
  EXPECT_TRUE(runs(13, 0));  // by PTX
}

TEST(CudaKernels, ACancelledOpLaunchesNothing) {
  const CancelFlag now{true};
  const std::vector<float> map(64, 0.5F);
  for (const auto& [name, backend] : cudaBackends()) {
    Guarded<float> out(64);
    try {
      backend->smooth({map.data(), {8, 8}, 11, 5.0, out.data()}, now);
      ADD_FAILURE() << name << " was not cancelled";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::aborted) << name;
    }
    EXPECT_EQ(out[0], Guarded<float>(1)[0]) << name;
  }
}

TEST(CudaKernels, AGaussianWiderThanSharedMemoryIsRefused) {
  const std::vector<float> map(64, 0.5F);
  std::vector<float> out(64);
  OnHost backend(Turns::forward);
  try {
    backend.smooth({map.data(), {8, 8}, 20001, 5.0, out.data()}, never());
    FAIL() << "was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::optionInvalid);
  }
}

TEST(CudaDevice, WithoutOneTheReasonIsSaid) {
  const cuda::Presence presence = cuda::probe();
  if (presence.reason.empty()) GTEST_SKIP() << "there is a CUDA device: " << presence.devices.front().name;
  EXPECT_GT(presence.reason.size(), 20U) << presence.reason;
  try {
    (void)cuda::makeBackend(0);
    FAIL() << "a backend was made";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::deviceUnavailable);
    EXPECT_EQ(presence.reason, error.what());
  }
}

TEST(CudaDevice, AnIndexBeyondTheLastIsRefused) {
  const cuda::Presence presence = cuda::probe();
  if (!presence.reason.empty()) GTEST_SKIP() << presence.reason;
  for (const int index : {-1, static_cast<int>(presence.devices.size())}) {
    EXPECT_THROW((void)cuda::makeBackend(index), Error) << index;
  }
}

TEST(CudaDevice, StreamsWaitForEachOther) {
  const cuda::Presence presence = cuda::probe();
  if (!presence.reason.empty()) GTEST_SKIP() << presence.reason;
  constexpr std::int64_t kElements = 1 << 24;
  constexpr std::size_t kBytes = kElements * sizeof(float);
  const auto first = cuda::makeBackend(0), second = cuda::makeBackend(0);
  cuda::DeviceMemory from(kBytes), between(kBytes), to(kBytes);
  from.write(std::vector<float>(kElements, 1.5F).data(), kBytes);
  const auto in = static_cast<const float*>(from.get());
  auto* const middle = static_cast<float*>(between.get());
  for (int i = 0; i < 50; ++i) first->accumulate({in, kElements, 2.0F, Accumulation::set, middle}, never());
  second->waitFor(*first);
  second->accumulate({middle, kElements, 2.0F, Accumulation::set, static_cast<float*>(to.get())}, never());
  second->fence()->wait();
  std::vector<float> out(kElements);
  to.read(out.data(), kBytes);
  for (const float v : out) ASSERT_EQ(v, 6.0F);
}

}  // namespace
}  // namespace sess::test
