#include <napi.h>

#include "addon/arguments.h"
#include "addon/device.h"
#include "addon/job.h"
#include "addon/ops.h"
#include "addon/session.h"
#include "addon/stream.h"
#include "addon/tensor.h"

namespace sess::addon {
namespace {

Napi::FunctionReference exported(Napi::Object exports, const char* name, const Napi::Function& function) {
  exports.Set(name, function);
  return Napi::Persistent(function);
}

Napi::Value setErrorClass(const Napi::CallbackInfo& info) {
  return guarded(info, [&](Napi::Env env) {
    require(info[0].IsFunction(), "the error class is not a constructor");
    Environment::of(env).error = Napi::Persistent(info[0].As<Napi::Function>());
    return env.Undefined();
  });
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  auto environment = std::make_unique<Environment>(env);
  environment->device = exported(exports, "Device", DeviceHandle::define(env));
  environment->stream = exported(exports, "Stream", StreamHandle::define(env));
  environment->tensor = exported(exports, "Tensor", TensorHandle::define(env));
  environment->session = exported(exports, "Session", SessionHandle::define(env));
  env.SetInstanceData(environment.release());

  exports.Set("setErrorClass", Napi::Function::New<setErrorClass>(env));
  exports.Set("loadRuntime", Napi::Function::New<loadRuntime>(env));
  exports.Set("simdVariants", Napi::Function::New<simdVariants>(env));
  exports.Set("cudaPresence", Napi::Function::New<cudaPresence>(env));
  exports.Set("missingLibraries", Napi::Function::New<missingLibraries>(env));
  exports.Set("copy", Napi::Function::New<copy>(env));
  exports.Set("flatten", Napi::Function::New<flatten>(env));
  exports.Set("pyramid", Napi::Function::New<pyramid>(env));
  exports.Set("patches", Napi::Function::New<patches>(env));
  exports.Set("gather", Napi::Function::New<gather>(env));
  exports.Set("score", Napi::Function::New<score>(env));
  exports.Set("camReduce", Napi::Function::New<camReduce>(env));
  exports.Set("fuse", Napi::Function::New<fuse>(env));
  exports.Set("fold", Napi::Function::New<fold>(env));
  exports.Set("finish", Napi::Function::New<finish>(env));
  exports.Set("upsample", Napi::Function::New<upsample>(env));
  exports.Set("smooth", Napi::Function::New<smooth>(env));
  exports.Set("grey", Napi::Function::New<grey>(env));
  exports.Set("noise", Napi::Function::New<noise>(env));
  exports.Set("accumulate", Napi::Function::New<accumulate>(env));
  exports.Set("channelRanges", Napi::Function::New<channelRanges>(env));
  exports.Set("groupReduce", Napi::Function::New<groupReduce>(env));
  exports.Set("maskBatch", Napi::Function::New<maskBatch>(env));
  exports.Set("blur", Napi::Function::New<blur>(env));
  exports.Set("ablate", Napi::Function::New<ablate>(env));
  exports.Set("riseMask", Napi::Function::New<riseMask>(env));
  exports.Set("riseReduce", Napi::Function::New<riseReduce>(env));
  exports.Set("occlude", Napi::Function::New<occlude>(env));
  exports.Set("occlusionReduce", Napi::Function::New<occlusionReduce>(env));
  exports.Set("overlay", Napi::Function::New<overlay>(env));
  return exports;
}

}  // namespace
}  // namespace sess::addon

static Napi::Object init(Napi::Env env, Napi::Object exports) { return sess::addon::initialise(env, exports); }
NODE_API_MODULE(sess, init)
