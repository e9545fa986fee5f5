#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "addon/job_queue.h"
#include "core/error.h"

namespace sess::addon {

class DeviceState;

/** An instance of the error class that setErrorClass was given, with the contract's code. */
Napi::Error jsError(Napi::Env env, const Error& error);

/** What one Node environment (main thread or worker) holds; stops what still runs before the environment goes. */
class Environment {
 public:
  static Environment& of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }
  explicit Environment(Napi::Env env);
  ~Environment() = default;
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  Napi::FunctionReference device, stream, tensor, session, error;

  /** From now on `trimMemory` is about this device too, while it lives. */
  void deviceOpened(const std::shared_ptr<DeviceState>& opened);
  /** Frees what the devices keep for later. */
  void trimMemory();
  /** Calls `settle` on the environment's own thread. */
  void post(std::function<void(Napi::Env)> settle);
  /** Keeps the loop alive, and the queue known, until as many jobs have ended as were started. */
  void jobStarted(Napi::Env env, const std::shared_ptr<JobQueue>& queue);
  void jobEnded(Napi::Env env, const std::shared_ptr<JobQueue>& queue);

 private:
  void stop();

  std::vector<std::weak_ptr<DeviceState>> devices_;
  Napi::ThreadSafeFunction toLoop_;
  std::mutex postMutex_;
  bool stopping_ = false;                                 // guarded by postMutex_, as the next
  std::vector<std::function<void(Napi::Env)>> unposted_;  // calls that came too late to be made
  std::multiset<std::shared_ptr<JobQueue>> busy_;         // once for each of its jobs
};

/**
 * Enqueues `work` and returns the promise of its milliseconds. Whatever `work` captures is destroyed on the
 * environment's thread, after it has run, so it may hold JavaScript references.
 */
Napi::Promise enqueue(Napi::Env env, const std::shared_ptr<JobQueue>& queue, std::function<void(Interrupt&)> work);

/** The same with a result of `work`'s own making, built on the environment's thread by `resolve`. */
Napi::Promise enqueue(Napi::Env env, const std::shared_ptr<JobQueue>& queue, std::function<void(Interrupt&)> work,
                      std::function<Napi::Value(Napi::Env, double milliseconds)> resolve);

}  // namespace sess::addon
