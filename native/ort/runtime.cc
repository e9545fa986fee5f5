#include "ort/runtime.h"

#include <dlfcn.h>

#include <mutex>

#include "core/error.h"

namespace sess::ort {
namespace {

// The lowest API that has what we call, so that older and newer runtimes serve alike.
constexpr std::uint32_t kApiVersion = 20;
constexpr const char* kSoname = "libonnxruntime.so.1";

std::mutex mutex;
const RuntimeInfo* loaded = nullptr;

[[noreturn]] void missing(const std::string& what) { throw Error(Code::nativeMissing, what); }

std::string pathOf(const void* symbol, const std::string& fallback) {
  Dl_info info{};
  return dladdr(symbol, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : fallback;
}

}  // namespace

namespace {

/** ONNX Runtime's table of functions in an open library; null where it is too old, or none. */
const OrtApiBase* apiBase(void* library) {
  void* symbol = library == nullptr ? nullptr : dlsym(library, "OrtGetApiBase");
  return symbol == nullptr ? nullptr : reinterpret_cast<const OrtApiBase* (*)()>(symbol)();
}

/** The copy that the process already has, where it will do. */
const OrtApiBase* residentBase() {
  const OrtApiBase* base = apiBase(dlopen(kSoname, RTLD_NOLOAD | RTLD_NOW));
  return base != nullptr && base->GetApi(kApiVersion) != nullptr ? base : nullptr;
}

const OrtApiBase* baseAt(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) missing("ONNX Runtime cannot be loaded: " + std::string(dlerror()));
  const OrtApiBase* base = apiBase(library);
  if (base == nullptr) missing(path + " is not ONNX Runtime: it has no OrtGetApiBase");
  return base;
}

}  // namespace

const RuntimeInfo& loadRuntime(const std::string& path, Preference preference) {
  const std::lock_guard lock(mutex);
  if (loaded != nullptr) return *loaded;
  const OrtApiBase* base = preference == Preference::resident ? residentBase() : nullptr;
  if (base == nullptr) base = baseAt(path);
  const OrtApi* api = base->GetApi(kApiVersion);
  const std::string place = pathOf(reinterpret_cast<const void*>(base->GetVersionString), path);
  if (api == nullptr) {
    missing("ONNX Runtime " + std::string(base->GetVersionString()) + " (" + place + ") is too old: it lacks API " +
            std::to_string(kApiVersion));
  }
  Ort::InitApi(api);
  loaded = new RuntimeInfo{base->GetVersionString(), place};  // never destroyed, like the environment
  return *loaded;
}

Ort::Env& environment() {
  const std::lock_guard lock(mutex);
  if (loaded == nullptr) missing("ONNX Runtime is not loaded yet");
  // Never destroyed: sessions on other threads may outlive static destruction.
  static Ort::Env* const env = [] {
    auto* created = new Ort::Env(ORT_LOGGING_LEVEL_FATAL, "sess");
    created->DisableTelemetryEvents();
    return created;
  }();
  return *env;
}

}  // namespace sess::ort
