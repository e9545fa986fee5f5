// What ONNX Runtime's failures are told as. Its library is the one that npm installs, or SESS_ORT_LIBRARY.
#include <gtest/gtest.h>

#include <filesystem>

#include "core/error.h"
#include "cuda/device.h"
#include "ort/failure.h"
#include "ort/runtime.h"
#include "ort/session.h"
#include "test/ort_library.h"

namespace sess::test {
namespace {

TEST(OrtSession, AProviderThatCannotBeLoadedIsADeviceThatIsNotThere) {
  if (!std::filesystem::exists(ortLibrary())) GTEST_SKIP() << ortLibrary() << " is not there";
  if (cuda::probe().reason.empty()) GTEST_SKIP() << "there is a CUDA device, and perhaps a provider";
  (void)ort::loadRuntime(ortLibrary(), ort::Preference::given);
  int noStream = 0;
  try {
    ort::Session({{}, "", 1, ort::Optimization::all, ort::Precision::fp32, ort::CudaStream{0, &noStream}});
    FAIL() << "a session was opened";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::deviceUnavailable) << error.what();
    EXPECT_EQ(std::string(error.what()).rfind("ONNX Runtime's CUDA provider cannot be used: ", 0), 0U) << error.what();
  }
}

TEST(OrtSession, AFailureIsToldByWhatItIsAbout) {
  const struct {
    const char* message;
    Code onCuda, onProcessor;
  } cases[] = {
      {"Non-zero status code returned while running Conv node. CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED ; GPU=0",
       Code::outOfMemory, Code::outOfMemory},
      {"CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0", Code::outOfMemory, Code::outOfMemory},
      {"CUDA failure 2: out of memory ; GPU=0", Code::outOfMemory, Code::outOfMemory},
      {"Failed to allocate memory for requested buffer of size 4096", Code::outOfMemory, Code::outOfMemory},
      {"std::bad_alloc", Code::outOfMemory, Code::outOfMemory},
      {"CUDA failure 700: an illegal memory access was encountered ; GPU=0", Code::deviceUnavailable,
       Code::modelUnreadable},
      {"CUDNN failure 1001: CUDNN_STATUS_NOT_INITIALIZED ; GPU=0", Code::deviceUnavailable, Code::modelUnreadable},
      {"CUBLAS failure 1: CUBLAS_STATUS_NOT_INITIALIZED ; GPU=0", Code::deviceUnavailable, Code::modelUnreadable},
      {"Failed to load library libonnxruntime_providers_cuda.so with error", Code::deviceUnavailable,
       Code::modelUnreadable},
      {"cuDNN is unavailable or disabled for CUDA Execution Provider: dlopen failed for libcudnn.so",
       Code::deviceUnavailable, Code::modelUnreadable},
      {"Load model failed:Protobuf parsing failed.", Code::modelUnreadable, Code::modelUnreadable},
  };
  for (const auto& [message, onCuda, onProcessor] : cases) {
    EXPECT_EQ(ort::failureCode(message, true, Code::modelUnreadable), onCuda) << message;
    EXPECT_EQ(ort::failureCode(message, false, Code::modelUnreadable), onProcessor) << message;
  }
}

}  // namespace
}  // namespace sess::test
