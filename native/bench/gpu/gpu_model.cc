// A model through ONNX Runtime on the processor and on CUDA device 0, bound to device memory as an explanation binds
// it: how far the results are apart, and the time of a forward pass by batch size. Needs no Node.
//   gpu_model LIBRARY MODEL.onnx [tf32]
// Prints JSON, one object; exits with 77 and the reason where there is no device.
#include <cstdio>
#include <string>
#include <vector>

#include "bench/gpu/difference.h"
#include "bench/gpu/machine.h"
#include "bench/gpu/model.h"
#include "bench/gpu/timing.h"
#include "core/error.h"
#include "cuda/device.h"
#include "ort/runtime.h"
#include "test/plain.h"

namespace sess::bench {
namespace {

constexpr int kThreads = 2;
constexpr std::int64_t kBatch = 4;

/** A model with one float32 input and a float32 output, on a machine with room for a batch. */
class Classifier {
 public:
  Classifier(Machine& machine, const char* path, ort::Precision precision)
      : machine_(machine), model_(machine, path, precision) {
    if (model_.session().inputs().size() != 1 || model_.session().outputs().empty()) {
      throw Error(Code::modelUnsupported, "a model with one input is expected");
    }
  }

  [[nodiscard]] std::int64_t inputs(std::int64_t batch) const { return batch * elements(input()); }

  [[nodiscard]] std::vector<float> outputOf(const std::vector<float>& images) {
    Array<float> in(machine_, inputs(kBatch)), out(machine_, kBatch * elements(output()));
    in.write(images);
    run(in, out, kBatch);
    machine_.wait();
    return out.read(kBatch * elements(output()));
  }

  /** Milliseconds of one forward pass, the copies left out. */
  [[nodiscard]] double timeOf(std::int64_t batch) {
    constexpr int kRounds = 20;
    const Array<float> in(machine_, inputs(batch)), out(machine_, batch * elements(output()));
    const auto passes = [&](int rounds) {
      for (int i = 0; i < rounds; ++i) run(in, out, batch);
      machine_.wait();
    };
    passes(3);
    return millisecondsOf([&] { passes(kRounds); }) / kRounds;
  }

 private:
  [[nodiscard]] const ort::TensorInfo& input() const { return model_.session().inputs()[0]; }
  [[nodiscard]] const ort::TensorInfo& output() const { return model_.session().outputs()[0]; }

  /** Of one image. */
  static std::vector<std::int64_t> shapeOf(const ort::TensorInfo& info) {
    if (info.shape.empty()) throw Error(Code::modelUnsupported, info.name + " has no batch");
    for (std::size_t i = 1; i < info.shape.size(); ++i) {
      if (info.shape[i] < 1) throw Error(Code::modelUnsupported, info.name + " leaves a dimension open");
    }
    return {info.shape.begin() + 1, info.shape.end()};
  }
  static std::int64_t elements(const ort::TensorInfo& info) {
    std::int64_t product = 1;
    for (const std::int64_t dim : shapeOf(info)) product *= dim;
    return product;
  }

  void run(const Array<float>& in, const Array<float>& out, std::int64_t batch) {
    Bindings inputs, outputs;
    inputs.add(input().name, in.data(), batch, shapeOf(input()));
    outputs.add(output().name, out.data(), batch, shapeOf(output()));
    model_.run(inputs, outputs);
  }

  Machine& machine_;
  Model model_;
};

int run(const char* library, const char* path, ort::Precision precision) {
  const ort::RuntimeInfo& runtime = ort::loadRuntime(library, ort::Preference::given);
  Machine processor = Machine::processor(kThreads);
  Classifier here(processor, path, ort::Precision::fp32);
  const std::vector<float> images = test::Random(1).floats(here.inputs(kBatch), -1.0, 1.0);
  const std::vector<float> expected = here.outputOf(images);
  const cuda::Presence presence = cuda::probe();
  if (!presence.reason.empty()) {
    std::fprintf(stderr, "ONNX Runtime %s ran the model on the processor. %s\n", runtime.version.c_str(),
                 presence.reason.c_str());
    return 77;
  }
  Machine device = Machine::cuda(kThreads);
  Classifier there(device, path, precision);
  const double worst = differenceOf(there.outputOf(images), expected).largest;
  std::string times;
  for (const std::int64_t batch : {1, 8, 32, 64, 128}) {
    const double ms = there.timeOf(batch);
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
