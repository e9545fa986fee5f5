#include "bench/gpu/model.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "core/error.h"

namespace sess::bench {
namespace {

std::vector<std::byte> fileBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(Code::modelUnreadable, path + " cannot be read");
  const std::vector<char> chars{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::byte> bytes(chars.size());
  std::transform(chars.begin(), chars.end(), bytes.begin(), [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

ort::SessionOptions optionsOf(const std::string& path, ort::Precision precision, int threads) {
  return {fileBytes(path), "", threads, ort::Optimization::all, precision, std::nullopt};
}

template <class T>
ort::Bound bound(const std::string& name, ONNXTensorElementDataType type, T* data, std::vector<std::int64_t> shape) {
  std::size_t bytes = sizeof(T);
  for (const std::int64_t side : shape) bytes *= static_cast<std::size_t>(side);
  return {name, type, data, bytes, std::move(shape)};
}

}  // namespace

void Bindings::add(const std::string& name, float* data, std::int64_t rows, const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> all{rows};
  all.insert(all.end(), shape.begin(), shape.end());
  all_.push_back(bound(name, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, data, std::move(all)));
}

void Bindings::add(const std::string& name, std::int64_t* data, std::int64_t rows) {
  all_.push_back(bound(name, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, data, {rows}));
}

Model::Model(Machine& machine, const std::string& path, ort::Precision precision) : machine_(machine) {
  ort::SessionOptions options = optionsOf(path, precision, machine.threads());
  if (machine.stream() != nullptr) {
    onStream_ = std::make_unique<ort::StreamSession>(0, std::move(options));
  } else {
    onProcessor_ = std::make_unique<ort::Session>(options);
  }
}

void Model::run(const Bindings& inputs, const Bindings& outputs) {
  if (onStream_) {
    onStream_->run(*machine_.stream(), inputs.all(), outputs.all(), interrupt_);
  } else {
    onProcessor_->run(inputs.all(), outputs.all(), interrupt_);
  }
}

}  // namespace sess::bench
