#pragma once

#include <onnxruntime_cxx_api.h>

#include <string>

namespace sess::ort {

struct RuntimeInfo {
  std::string version, path;
};

/**
 * Loads ONNX Runtime once per process. A copy that the process already has is shared (a second one could not be
 * loaded beside it under the same SONAME); else the library at `path`. Throws Code::nativeMissing.
 */
const RuntimeInfo& loadRuntime(const std::string& path);

/** The process's one environment, telemetry off. Throws Code::nativeMissing before loadRuntime. */
Ort::Env& environment();

}  // namespace sess::ort
