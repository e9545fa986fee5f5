#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/gpu/machine.h"
#include "core/interrupt.h"
#include "ort/session.h"
#include "ort/stream_session.h"

namespace sess::bench {

/** Tensors bound to a model by name. */
class Bindings {
 public:
  /** The first `rows` rows of `shape` each. */
  void add(const std::string& name, float* data, std::int64_t rows, const std::vector<std::int64_t>& shape);
  void add(const std::string& name, std::int64_t* data, std::int64_t rows);
  [[nodiscard]] const std::vector<ort::Bound>& all() const { return all_; }

 private:
  std::vector<ort::Bound> all_;
};

/** A model on a machine; on CUDA on a stream of its own. */
class Model {
 public:
  /** Throws Code::modelUnreadable, modelUnsupported, deviceUnavailable, outOfMemory. */
  Model(Machine& machine, const std::string& path, ort::Precision precision);

  [[nodiscard]] const ort::Session& session() const { return onStream_ ? onStream_->model() : *onProcessor_; }
  /** Between the machine's ops before and after. */
  void run(const Bindings& inputs, const Bindings& outputs);

 private:
  Machine& machine_;
  std::unique_ptr<ort::StreamSession> onStream_;  // or
  std::unique_ptr<ort::Session> onProcessor_;
  Interrupt interrupt_;
};

}  // namespace sess::bench
