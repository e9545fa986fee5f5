#pragma once

#include <onnxruntime_cxx_api.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace sess::ort {

enum class Optimization { all, none };

struct SessionOptions {
  std::vector<std::byte> model;
  std::string externalFolder;  // empty: none
  int threads;
  Optimization optimization;
};

struct TensorInfo {
  std::string name;
  ONNXTensorElementDataType type;
  std::vector<std::int64_t> shape;  // -1: open
};

/** Memory bound to a graph input or output by name for one run. */
struct Bound {
  std::string name;
  ONNXTensorElementDataType type;
  void* data;
  std::size_t bytes;
  std::vector<std::int64_t> shape;
};

/** Lets another thread end a run early. */
class Interrupt {
 public:
  /** Ends the run under way, if any, and every later one. */
  void raise();
  [[nodiscard]] bool raised() const noexcept { return raised_; }
  [[nodiscard]] const std::atomic<bool>& flag() const noexcept { return raised_; }

 private:
  friend class InterruptibleRun;
  std::mutex mutex_;
  std::atomic<bool> raised_{false};
  Ort::RunOptions* running_ = nullptr;
};

/** A model, runnable from several threads at once. */
class Session {
 public:
  /** Throws Code::modelUnreadable, modelUnsupported, outOfMemory. Blocks while the model is prepared. */
  explicit Session(const SessionOptions& options);

  [[nodiscard]] const std::vector<TensorInfo>& inputs() const noexcept { return inputs_; }
  [[nodiscard]] const std::vector<TensorInfo>& outputs() const noexcept { return outputs_; }

  /** Blocks. Throws Code::aborted after interrupt.raise(), modelUnsupported or outOfMemory. */
  void run(const std::vector<Bound>& inputs, const std::vector<Bound>& outputs, Interrupt& interrupt);

 private:
  Ort::Session session_{nullptr};
  std::vector<TensorInfo> inputs_, outputs_;
};

}  // namespace sess::ort
