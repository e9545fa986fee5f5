// A model on a stream, where there is a CUDA device: emulated, or with ONNX Runtime's CUDA provider.
#include "ort/stream_session.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "core/error.h"
#include "ort/runtime.h"
#include "test/ort_library.h"
#include "test/plain.h"
#ifdef SESS_EMULATED
#include "emulated/device.h"
#endif

namespace sess::test {
namespace {

constexpr std::int64_t kImage = 3 * 64 * 64, kClasses = 200;

ort::SessionOptions tiny() {
  std::ifstream file(SESS_SOURCE "/models/tiny200/tiny200.onnx", std::ios::binary);
  const std::vector<char> chars{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::byte> bytes(chars.size());
  std::transform(chars.begin(), chars.end(), bytes.begin(), [](char c) { return static_cast<std::byte>(c); });
  return {bytes, "", 1, ort::Optimization::all, ort::Precision::fp32, std::nullopt};
}

std::vector<ort::Bound> bound(const ort::TensorInfo& info, void* data, std::int64_t elements) {
  std::vector<std::int64_t> shape = info.shape;
  shape.at(0) = 1;
  return {{info.name, info.type, data, static_cast<std::size_t>(elements) * sizeof(float), shape}};
}

/** Logits of one image. */
std::vector<float> onDevice(const std::vector<float>& image) {
  constexpr std::size_t kInBytes = kImage * sizeof(float), kOutBytes = kClasses * sizeof(float);
  cuda::DeviceMemory in(kInBytes);
  const cuda::DeviceMemory out(kOutBytes);
  const auto caller = cuda::makeBackend(0);
  const CancelFlag never{false};
  caller->copy({image.data(), in.get(), static_cast<std::int64_t>(kInBytes), Route::toDevice}, never);
  ort::StreamSession session(0, tiny());
  Interrupt interrupt;
  session.run(*caller, bound(session.model().inputs().at(0), in.get(), kImage),
              bound(session.model().outputs().at(0), out.get(), kClasses), interrupt);
  std::vector<float> logits(kClasses);
  caller->copy({out.get(), logits.data(), static_cast<std::int64_t>(kOutBytes), Route::toProcessor}, never);
  caller->fence()->wait();
  return logits;
}

std::vector<float> onProcessor(std::vector<float> image) {
  ort::Session session(tiny());
  std::vector<float> logits(kClasses);
  Interrupt interrupt;
  session.run(bound(session.inputs().at(0), image.data(), kImage),
              bound(session.outputs().at(0), logits.data(), kClasses), interrupt);
  return logits;
}

class StreamSession : public testing::Test {
 protected:
  void SetUp() override {
    if (const cuda::Presence presence = cuda::probe(); !presence.reason.empty()) GTEST_SKIP() << presence.reason;
    (void)ort::loadRuntime(ortLibrary(), ort::Preference::given);
  }
};

TEST_F(StreamSession, RunsInTheOrderOfTheCallersStream) {
  const auto image = Random(3).floats(kImage, -1.0, 1.0);
  const auto expected = onProcessor(image), logits = onDevice(image);
  for (std::size_t i = 0; i < logits.size(); ++i) EXPECT_NEAR(logits[i], expected[i], 1e-4);
}

#ifdef SESS_EMULATED
TEST_F(StreamSession, ACallThatFailsIsAnErrorAndLeavesNothing) {
  emulated::Device& device = emulated::Device::get();
  const auto image = Random(3).floats(kImage, -1.0, 1.0);
  const std::size_t held = device.memory.used();
  int failures = 0;
  for (int n = 1;; ++n) {
    device.failCall(n);
    bool failed = false;
    try {
      (void)onDevice(image);
    } catch (const Error& error) {
      failed = true;
      EXPECT_TRUE(error.code() == Code::outOfMemory || error.code() == Code::deviceUnavailable) << error.what();
    }
    device.failCall(0);
    EXPECT_EQ(device.memory.used(), held) << "after call " << n << " failed";
    if (!failed) break;  // the run makes fewer calls
    ++failures;
  }
  EXPECT_GT(failures, 15);
}
#endif

}  // namespace
}  // namespace sess::test
