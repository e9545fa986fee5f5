// A model through ONNX Runtime on the processor and on CUDA device 0, bound to device memory as an explanation binds
// it: how far the results are apart, and the time of a forward pass by batch size. Needs no Node.
//   gpu_model LIBRARY MODEL.onnx [tf32]
// Prints JSON, one object; exits with 77 and the reason where there is no device.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/error.h"
#include "cuda/device.h"
#include "ort/runtime.h"
#include "ort/session.h"
#include "test/plain.h"

namespace sess::bench {
namespace {

using cuda::DeviceMemory;

/** The one float32 input and the first output of a model, for a batch. */
struct Model {
  std::vector<std::byte> bytes;
  ort::TensorInfo input, output;

  [[nodiscard]] static std::vector<std::int64_t> shape(const ort::TensorInfo& info, std::int64_t batch) {
    std::vector<std::int64_t> dims = info.shape;
    dims.at(0) = batch;
    for (const std::int64_t dim : dims) {
      if (dim < 1) throw Error(Code::modelUnsupported, info.name + " leaves a dimension open");
    }
    return dims;
  }
  [[nodiscard]] static std::int64_t elements(const ort::TensorInfo& info, std::int64_t batch) {
    std::int64_t product = 1;
    for (const std::int64_t dim : shape(info, batch)) product *= dim;
    return product;
  }
  [[nodiscard]] static ort::Bound bound(const ort::TensorInfo& info, void* data, std::int64_t batch) {
    return {info.name, info.type, data, static_cast<std::size_t>(elements(info, batch)) * sizeof(float),
            shape(info, batch)};
  }
};

std::vector<std::byte> fileBytes(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(Code::modelUnreadable, std::string(path) + " cannot be read");
  const std::vector<char> chars{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::byte> bytes(chars.size());
  std::transform(chars.begin(), chars.end(), bytes.begin(), [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

ort::SessionOptions optionsOf(const Model& model, ort::Precision precision, std::optional<ort::CudaStream> cuda) {
  return {model.bytes, "", 2, ort::Optimization::all, precision, cuda};
}

std::vector<float> onProcessor(Model& model, std::vector<float>& images, std::int64_t batch) {
  ort::Session session(optionsOf(model, ort::Precision::fp32, std::nullopt));
  if (session.inputs().size() != 1 || session.outputs().empty()) {
    throw Error(Code::modelUnsupported, "a model with one input is expected");
  }
  model.input = session.inputs()[0];
  model.output = session.outputs()[0];
  images = test::Random(1).floats(Model::elements(model.input, batch), -1.0, 1.0);
  std::vector<float> results(static_cast<std::size_t>(Model::elements(model.output, batch)));
  Interrupt interrupt;
  session.run({Model::bound(model.input, images.data(), batch)}, {Model::bound(model.output, results.data(), batch)},
              interrupt);
  return results;
}

/** Milliseconds of one forward pass, the copies left out. */
double timeOf(ort::Session& session, cuda::StreamBackend& stream, const Model& model, std::int64_t batch) {
  const DeviceMemory in(static_cast<std::size_t>(Model::elements(model.input, batch)) * sizeof(float));
  const DeviceMemory out(static_cast<std::size_t>(Model::elements(model.output, batch)) * sizeof(float));
  Interrupt interrupt;
  constexpr int kRounds = 20;
  const auto run = [&](int rounds) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < rounds; ++i) {
      session.run({Model::bound(model.input, in.get(), batch)}, {Model::bound(model.output, out.get(), batch)},
                  interrupt);
    }
    stream.fence()->wait();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count() / rounds;
  };
  run(3);
  return run(kRounds);
}

int run(const char* library, const char* path, ort::Precision precision) {
  constexpr std::int64_t kBatch = 4;
  const ort::RuntimeInfo& runtime = ort::loadRuntime(library, ort::Preference::given);
  Model model{fileBytes(path), {}, {}};
  std::vector<float> images;
  const std::vector<float> expected = onProcessor(model, images, kBatch);
  const cuda::Presence presence = cuda::probe();
  if (!presence.reason.empty()) {
    std::fprintf(stderr, "ONNX Runtime %s ran the model on the processor. %s\n", runtime.version.c_str(),
                 presence.reason.c_str());
    return 77;
  }
  const auto stream = cuda::makeBackend(0);
  ort::Session session(optionsOf(model, precision, ort::CudaStream{0, stream->stream()}));
  DeviceMemory in(images.size() * sizeof(float)), out(expected.size() * sizeof(float));
  in.write(images.data(), images.size() * sizeof(float));
  Interrupt interrupt;
  session.run({Model::bound(model.input, in.get(), kBatch)}, {Model::bound(model.output, out.get(), kBatch)},
              interrupt);
  stream->fence()->wait();
  std::vector<float> results(expected.size());
  out.read(results.data(), results.size() * sizeof(float));
  double worst = 0.0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const double d = std::fabs(static_cast<double>(results[i]) - static_cast<double>(expected[i]));
    worst = d > worst || std::isnan(d) ? d : worst;
  }
  std::string times;
  for (const std::int64_t batch : {1, 8, 32, 64, 128}) {
    const double ms = timeOf(session, *stream, model, batch);
    times += std::string(times.empty() ? "" : ", ") + "{\"batch\": " + std::to_string(batch) +
             ", \"ms\": " + std::to_string(ms) +
             ", \"images_per_s\": " + std::to_string(1e3 * static_cast<double>(batch) / ms) + "}";
  }
  std::printf("{\"onnxruntime\": \"%s\", \"precision\": \"%s\", \"largest_difference\": %.3g, \"forward\": [%s]}\n",
              runtime.version.c_str(), precision == ort::Precision::tf32 ? "tf32" : "fp32", worst, times.c_str());
  return worst <= (precision == ort::Precision::tf32 ? 1e-1 : 1e-3) ? 0 : 1;
}

}  // namespace
}  // namespace sess::bench

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "gpu_model LIBRARY MODEL.onnx [tf32]\n");
    return 2;
  }
  try {
    const bool tf32 = argc > 3 && std::string(argv[3]) == "tf32";
    return sess::bench::run(argv[1], argv[2], tf32 ? sess::ort::Precision::tf32 : sess::ort::Precision::fp32);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
