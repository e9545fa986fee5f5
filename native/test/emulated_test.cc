// What the emulated device is there for: it stops what only luck with time would let pass on a real one.
#include <array>
#include <numeric>

#include "core/error.h"
#include "cuda/device.h"
#include "cuda/stream_memory.h"
#include "emulated/device.h"
#include "emulated/kernels.h"
#include "support.h"

namespace sess::test {
namespace {

using cuda::DeviceMemory;
using emulated::Device;

constexpr std::int64_t kElements = 1000;
constexpr std::size_t kBytes = kElements * sizeof(float);

/** A stream that is destroyed at the end, and what was enqueued in it with it. */
struct OwnStream {
  OwnStream() { EXPECT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess); }
  ~OwnStream() { EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess); }
  OwnStream(const OwnStream&) = delete;
  OwnStream& operator=(const OwnStream&) = delete;
  cudaStream_t stream = nullptr;
};

std::vector<float> read(const DeviceMemory& memory) {
  std::vector<float> values(kElements);
  memory.read(values.data(), kBytes);
  return values;
}

TEST(EmulatedDevice, RunsNothingBeforeSomebodyWaits) {
  const auto backend = cuda::makeBackend(0);
  DeviceMemory in(kBytes);
  const DeviceMemory out(kBytes);
  in.write(std::vector<float>(kElements, 3.0F).data(), kBytes);
  auto* const to = static_cast<float*>(out.get());
  backend->accumulate({static_cast<const float*>(in.get()), kElements, 2.0F, Accumulation::set, to}, never());
  for (const float v : read(out)) ASSERT_TRUE(std::isnan(v)) << "what nobody waited for has run";
  backend->fence()->wait();
  for (const float v : read(out)) ASSERT_EQ(v, 6.0F);
}

TEST(EmulatedDevice, CopiesFromPinnedMemoryAreLateAndOthersAreNot) {
  OwnStream own;
  void* pinned = nullptr;
  ASSERT_EQ(cudaMallocHost(&pinned, 2 * kBytes), cudaSuccess);
  auto* const source = static_cast<float*>(pinned);
  std::vector<float> pageable(kElements, 1.0F);
  std::fill_n(source, kElements, 1.0F);
  const DeviceMemory late(kBytes), early(kBytes);
  ASSERT_EQ(cudaMemcpyAsync(late.get(), source, kBytes, cudaMemcpyHostToDevice, own.stream), cudaSuccess);
  ASSERT_EQ(cudaMemcpyAsync(early.get(), pageable.data(), kBytes, cudaMemcpyHostToDevice, own.stream), cudaSuccess);
  std::fill_n(source, kElements, 2.0F);
  std::fill(pageable.begin(), pageable.end(), 2.0F);
  ASSERT_EQ(cudaStreamSynchronize(own.stream), cudaSuccess);
  EXPECT_EQ(read(late).front(), 2.0F);
  EXPECT_EQ(read(early).front(), 1.0F);
  ASSERT_EQ(cudaFreeHost(pinned), cudaSuccess);
}

TEST(EmulatedDevice, AStreamThatIsDestroyedStillHasItsWork) {
  const DeviceMemory memory(kBytes);
  auto* const values = static_cast<float*>(memory.get());
  {
    const OwnStream own;
    emulated::HostKernels::threads(own.stream, 1, kElements, [values](std::int64_t i) { values[i] = 1.0F; });
  }
  EXPECT_TRUE(std::isnan(read(memory).front()));
  void* other = nullptr;
  ASSERT_EQ(cudaMalloc(&other, 1), cudaSuccess);
  ASSERT_EQ(cudaFree(other), cudaSuccess);  // waits for the device
  EXPECT_EQ(read(memory).front(), 1.0F);
}

TEST(EmulatedDevice, RefusesCopiesWhoseEndsLieElsewhere) {
  const DeviceMemory memory(kBytes);
  std::vector<float> host(kElements);
  EXPECT_EQ(cudaMemcpy(host.data(), host.data(), kBytes, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(memory.get(), memory.get(), kBytes, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(memory.get(), host.data(), kBytes + 1, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
}

TEST(EmulatedDeviceDeathTest, StopsAHostThatReadsItsMemory) {
  const DeviceMemory memory(kBytes);
  EXPECT_DEATH(std::printf("%f", static_cast<double>(*static_cast<const volatile float*>(memory.get()))), "");
}

TEST(EmulatedDeviceDeathTest, StopsAKernelBehindItsMemory) {
  const DeviceMemory memory(4096);
  auto* const bytes = static_cast<volatile char*>(memory.get());
  const auto run = [&] {
    emulated::HostKernels::threads(nullptr, 1, 4097, [bytes](std::int64_t i) { bytes[i] = 1; });
    (void)cudaStreamSynchronize(nullptr);
  };
  EXPECT_DEATH(run(), "");
}

TEST(EmulatedDevice, NoticesWhatWasWrittenBesideMemory) {
  void* memory = nullptr;
  ASSERT_EQ(cudaMalloc(&memory, 5), cudaSuccess);
  auto* const bytes = static_cast<char*>(memory);
  emulated::HostKernels::threads(nullptr, 1, 6, [bytes](std::int64_t i) { bytes[i] = 1; });
  EXPECT_EQ(cudaFree(memory), cudaErrorInvalidValue);
}

/** A photo's way over every kind of call: up, levels, windows, a mask's ops, fusion, down. */
void chain(cuda::StreamBackend& backend) {
  const std::vector<std::uint8_t> photo(40 * 50 * 3, 100);
  const DeviceMemory pixels(photo.size()), band(3 * 30 * 40 * sizeof(float)), windows(2 * 3 * 16 * 16 * sizeof(float));
  const DeviceMemory maps(2 * 4 * sizeof(float)), fused(40 * 50 * sizeof(float));
  auto* const planes = static_cast<float*>(band.get());
  backend.copy({photo.data(), pixels.get(), static_cast<std::int64_t>(photo.size()), Route::toDevice}, never());
  backend.pyramid({static_cast<const std::uint8_t*>(pixels.get()),
                   {40, 50},
                   {30, 40},
                   {0, 0, 30, 40},
                   Filter::antialias,
                   {0, 1, 2},
                   {1.0F, 1.0F, 1.0F},
                   {0.0F, 0.0F, 0.0F},
                   planes},
                  never());
  const std::vector<std::int32_t> origins{0, 0, 14, 24};
  backend.gather({planes, {30, 40}, {16, 16}, origins, Layout::nchw, static_cast<float*>(windows.get())}, never());
  const std::array<float, 8> values{0.0F, 1.0F, 2.0F, 3.0F, 3.0F, 2.0F, 1.0F, 0.0F};
  backend.copy({values.data(), maps.get(), sizeof values, Route::toDevice}, never());
  const std::vector<Size> levels{{30, 40}};
  const std::vector<PlacedWindow> placed{{0, 0, 0, 0}, {0, 14, 24, 1}};
  const std::vector<float> weights{1.0F, 0.5F};
  auto* const map = static_cast<float*>(fused.get());
  backend.fuse({static_cast<const float*>(maps.get()),
                {2, 2},
                {16, 16},
                levels,
                placed,
                weights,
                Fusion::mean,
                0.0F,
                true,
                {40, 50},
                map},
               never());
  backend.smooth({map, {40, 50}, 5, 2.0, map}, never());
  std::vector<float> down(40 * 50);
  backend.copy({map, down.data(), static_cast<std::int64_t>(kBytes), Route::toProcessor}, never());
  backend.fence()->wait();
}

TEST(EmulatedDevice, ACallThatFailsIsAnErrorAndLeavesNothing) {
  Device& device = Device::get();
  const std::size_t held = device.memory.used(), pinned = device.pinned.size(), streams = device.streams.size();
  int failures = 0;
  for (int n = 1;; ++n) {
    device.failCall(n);
    bool failed = false;
    try {
      chain(*cuda::makeBackend(0));
    } catch (const Error& error) {
      failed = true;
      EXPECT_TRUE(error.code() == Code::outOfMemory || error.code() == Code::deviceUnavailable) << error.what();
    }
    device.failCall(0);
    EXPECT_EQ(device.always([&] {
      device.finishAll();
      return cudaSuccess;
    }),
              cudaSuccess);
    EXPECT_EQ(device.memory.used(), held) << "after call " << n << " failed";
    EXPECT_EQ(device.pinned.size(), pinned) << "after call " << n << " failed";
    EXPECT_EQ(device.streams.size(), streams) << "after call " << n << " failed";
    if (!failed) break;  // the chain makes fewer calls
    ++failures;
  }
  EXPECT_GT(failures, 30);
}

TEST(EmulatedDevice, MemoryIsFlatOverManyChains) {
  Device& device = Device::get();
  const auto backend = cuda::makeBackend(0);
  chain(*backend);
  const std::size_t first = device.memory.used(), pinned = device.pinned.size();
  for (int i = 0; i < 200; ++i) chain(*backend);
  EXPECT_EQ(device.memory.used(), first);
  EXPECT_EQ(device.pinned.size(), pinned);
}

}  // namespace
}  // namespace sess::test
