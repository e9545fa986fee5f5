#pragma once

#include <onnxruntime_cxx_api.h>

#include <string>

namespace sess::ort {

struct RuntimeInfo {
  std::string version, path;
};

/** Whether a copy of ONNX Runtime that the process already has goes before the library at the given path. */
enum class Preference { resident, given };

/** Loads ONNX Runtime, once per process: a second call gives what the first one loaded. Throws Code::nativeMissing. */
const RuntimeInfo& loadRuntime(const std::string& path, Preference preference);

/** The process's one environment, telemetry off. Throws Code::nativeMissing before loadRuntime. */
Ort::Env& environment();

}  // namespace sess::ort
