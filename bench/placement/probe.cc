// Opens a graph as native/ort/session.cc does for CUDA device 0, where the stand-ins of this folder take CUDA's place,
// and runs it twice with everything bound to device memory.
//   probe LIBRARY GRAPH.onnx EXTERNAL_FOLDER|- fp32|tf32 BATCH|0 TRACE
//   probe LIBRARY < LIST                opens each graph of a list of files, after a line "graph FILE" on stderr
// On stderr ONNX Runtime's verbose log, on stdout JSON: what the second run copied, started and waited for.
// BATCH 0: not run.
// TRACE: ONNX Runtime's profile goes there, with what every node ran on.
#include <onnxruntime_cxx_api.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "../../native/core/error.h"
#include "../../native/core/interrupt.h"
#include "../../native/ort/runtime.h"
#include "../../native/ort/session.h"
#include "standins.h"

extern "C" {
int cudaMalloc(void** pointer, std::size_t bytes);
int cudaStreamCreateWithFlags(void** stream, unsigned flags);
}

namespace {

using sess::Interrupt;
using sess::ort::Bound;
using sess::ort::Session;

const OrtApi* api = nullptr;
std::string trace;

/** In the order of sess::Code. */
constexpr const char* kCodes[] = {"OPTION_INVALID", "MODEL_UNREADABLE",   "MODEL_UNSUPPORTED", "OUT_OF_MEMORY",
                                  "NATIVE_MISSING", "DEVICE_UNAVAILABLE", "ABORTED",           "DISPOSED"};

std::string refusal(const sess::Error& error) {
  return std::string("refused: ") + kCodes[static_cast<std::size_t>(error.code())] + ": " + error.what() + "\n";
}

void check(OrtStatus* status) {
  if (status == nullptr) return;
  std::fprintf(stderr, "%s\n", api->GetErrorMessage(status));
  std::exit(1);
}

/** What session.cc asks for, and that placement is told; kept out of session.cc, which no user wants that from. */
OrtStatus* ORT_API_CALL createToldSession(const OrtEnv* env, const void* model, std::size_t bytes,
                                          const OrtSessionOptions* options, OrtSession** session) noexcept {
  OrtSessionOptions* told = nullptr;
  check(api->CloneSessionOptions(options, &told));
  check(api->SetSessionLogSeverityLevel(told, ORT_LOGGING_LEVEL_VERBOSE));
  if (!trace.empty()) check(api->EnableProfiling(told, trace.c_str()));
  OrtStatus* const status = api->CreateSessionFromArray(env, model, bytes, told, session);
  api->ReleaseSessionOptions(told);
  return status;
}

void tellPlacement() {
  api = &Ort::GetApi();
  static OrtApi hooked = *api;
  hooked.CreateSessionFromArray = createToldSession;
  Ort::InitApi(&hooked);
}

std::vector<std::byte> fileBytes(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> chars{std::istreambuf_iterator<char>(file), {}};
  const auto* first = reinterpret_cast<const std::byte*>(chars.data());
  return {first, first + chars.size()};
}

std::size_t bytesOf(ONNXTensorElementDataType type) { return type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64 ? 8 : 4; }

/** Device memory of each tensor, the first axis that is open being the batch. */
std::vector<Bound> onDevice(const std::vector<sess::ort::TensorInfo>& tensors, std::int64_t batch) {
  std::vector<Bound> bound;
  for (const auto& [name, type, dims] : tensors) {
    std::vector<std::int64_t> shape;
    std::size_t bytes = bytesOf(type);
    for (const std::int64_t dim : dims) {
      shape.push_back(dim < 0 ? batch : dim);
      bytes *= static_cast<std::size_t>(shape.back());
    }
    void* data = nullptr;
    cudaMalloc(&data, bytes);
    bound.push_back({name, type, data, bytes, shape});
  }
  return bound;
}

std::string copiesJson() {
  std::vector<sess_standin_copy> copies(1 << 16);
  copies.resize(std::min(copies.size(), sess_standin_take_copies(copies.data(), copies.size())));
  std::string json;
  for (const auto& [kind, bytes] : copies) {
    json += (json.empty() ? "[" : ", [") + std::to_string(kind) + ", " + std::to_string(bytes) + "]";
  }
  return "[" + json + "]";
}

int run(char** argv) {
  sess::ort::loadRuntime(argv[1], sess::ort::Preference::given);
  trace = argv[6];
  tellPlacement();
  void* stream = nullptr;
  cudaStreamCreateWithFlags(&stream, 1);
  const std::string folder = argv[3], precision = argv[4];
  Session session({fileBytes(argv[2]), folder == "-" ? "" : folder, 1, sess::ort::Optimization::all,
                   precision == "tf32" ? sess::ort::Precision::tf32 : sess::ort::Precision::fp32,
                   sess::ort::CudaStream{0, stream}});
  const std::int64_t batch = std::strtol(argv[5], nullptr, 10);
  if (batch == 0) {
    std::printf("{}\n");
    return 0;
  }
  const std::vector<Bound> inputs = onDevice(session.inputs(), batch), outputs = onDevice(session.outputs(), batch);
  Interrupt interrupt;
  session.run(inputs, outputs, interrupt);  // allocates what stays
  sess_standin_take_counts();
  copiesJson();
  session.run(inputs, outputs, interrupt);
  const sess_standin_counts counts = sess_standin_take_counts();
  std::printf("{\"launches\": %ld, \"waits\": %ld, \"allocations\": %ld, \"copies\": %s}\n", counts.launches,
              counts.waits, counts.allocations, copiesJson().c_str());
  return 0;
}

/** Opens graphs one after the other, whatever becomes of each. */
int openAll(const char* library) {
  sess::ort::loadRuntime(library, sess::ort::Preference::given);
  tellPlacement();
  void* stream = nullptr;
  cudaStreamCreateWithFlags(&stream, 1);
  for (std::string path; std::getline(std::cin, path);) {
    std::cerr << "graph " << path << std::endl;
    try {
      const Session session({fileBytes(path.c_str()), "", 1, sess::ort::Optimization::none, sess::ort::Precision::fp32,
                             sess::ort::CudaStream{0, stream}});
    } catch (const sess::Error& error) {
      std::cerr << refusal(error) << std::flush;
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 7) {
    std::fprintf(stderr, "probe LIBRARY [GRAPH.onnx EXTERNAL_FOLDER|- fp32|tf32 BATCH|0 TRACE]\n");
    return 2;
  }
  try {
    return argc == 2 ? openAll(argv[1]) : run(argv);
  } catch (const sess::Error& error) {
    std::cerr << refusal(error);
    return 1;
  }
}
