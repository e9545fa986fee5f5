#include "ort/runtime.h"

#include <dlfcn.h>

#include <mutex>
#include <optional>

#include "core/error.h"

namespace sess::ort {
namespace {

// The lowest API that has what we call, so that older and newer runtimes serve alike.
constexpr std::uint32_t kApiVersion = 20;
constexpr const char* kSoname = "libonnxruntime.so.1";

std::mutex mutex;
std::optional<RuntimeInfo> loaded;

[[noreturn]] void missing(const std::string& what) { throw Error(Code::nativeMissing, what); }

std::string pathOf(void* symbol, const std::string& fallback) {
  Dl_info info{};
  return dladdr(symbol, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : fallback;
}

}  // namespace

const RuntimeInfo& loadRuntime(const std::string& path) {
  const std::lock_guard lock(mutex);
  if (loaded) return *loaded;
  void* library = dlopen(kSoname, RTLD_NOLOAD | RTLD_NOW);
  if (library == nullptr) library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) missing("ONNX Runtime cannot be loaded: " + std::string(dlerror()));
  void* symbol = dlsym(library, "OrtGetApiBase");
  if (symbol == nullptr) missing(path + " is not ONNX Runtime: it has no OrtGetApiBase");
  const OrtApiBase* base = reinterpret_cast<const OrtApiBase* (*)()>(symbol)();
  const OrtApi* api = base->GetApi(kApiVersion);
  if (api == nullptr) {
    missing("ONNX Runtime " + std::string(base->GetVersionString()) + " is too old: 1." + std::to_string(kApiVersion) +
            " or newer is needed (" + pathOf(symbol, path) + ")");
  }
  Ort::InitApi(api);
  loaded = RuntimeInfo{base->GetVersionString(), pathOf(symbol, path)};
  return *loaded;
}

Ort::Env& environment() {
  const std::lock_guard lock(mutex);
  if (!loaded) missing("ONNX Runtime is not loaded yet");
  // Never destroyed: sessions on other threads may outlive static destruction.
  static Ort::Env* const env = [] {
    auto* created = new Ort::Env(ORT_LOGGING_LEVEL_ERROR, "sess");
    created->DisableTelemetryEvents();
    return created;
  }();
  return *env;
}

}  // namespace sess::ort
