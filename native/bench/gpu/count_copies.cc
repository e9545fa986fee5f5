// Counts a program's copies to, from and within CUDA devices, where there is no profiler: a library that the driver
// loads.
//   CUDA_INJECTION64_PATH=libcount_copies.so SESS_COPIES=FILE PROGRAM...
// FILE gets JSON when the program ends: {"host_to_device": {"copies": 3, "bytes": 150528}, ..., "lost": 0}.
#include <cupti.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>

namespace {

/** What the records of one direction add up to. */
struct Sum {
  const char* name;
  std::atomic<std::uint64_t> copies{0}, bytes{0};
};

enum Direction : std::size_t { kUp, kDown, kWithin, kOther };
std::array<Sum, 4> sums{{{"host_to_device"}, {"device_to_host"}, {"device_to_device"}, {"other"}}};
std::atomic<std::uint64_t> lost{0};  // records that CUPTI had no room for

Direction directionOf(std::uint8_t kind) {
  switch (kind) {
    case CUPTI_ACTIVITY_MEMCPY_KIND_HTOD:
    case CUPTI_ACTIVITY_MEMCPY_KIND_HTOA:
      return kUp;
    case CUPTI_ACTIVITY_MEMCPY_KIND_DTOH:
    case CUPTI_ACTIVITY_MEMCPY_KIND_ATOH:
      return kDown;
    case CUPTI_ACTIVITY_MEMCPY_KIND_DTOD:
    case CUPTI_ACTIVITY_MEMCPY_KIND_ATOA:
    case CUPTI_ACTIVITY_MEMCPY_KIND_ATOD:
    case CUPTI_ACTIVITY_MEMCPY_KIND_DTOA:
      return kWithin;
    default:
      return kOther;
  }
}

bool succeeds(CUptiResult result, const char* what) {
  if (result == CUPTI_SUCCESS) return true;
  const char* why = nullptr;
  (void)cuptiGetResultString(result, &why);
  std::fprintf(stderr, "count_copies: %s: %s\n", what, why == nullptr ? "unknown" : why);
  return false;
}

constexpr std::size_t kBuffer = std::size_t{1} << 20;
constexpr std::align_val_t kAlignment{8};  // CUPTI asks for it

void CUPTIAPI giveBuffer(std::uint8_t** buffer, std::size_t* bytes, std::size_t* records) {
  *buffer = static_cast<std::uint8_t*>(::operator new(kBuffer, kAlignment, std::nothrow));
  *bytes = *buffer == nullptr ? 0 : kBuffer;
  *records = 0;  // as many as fit
}

void CUPTIAPI takeRecords(CUcontext context, std::uint32_t stream, std::uint8_t* buffer, std::size_t,
                          std::size_t valid) {
  CUpti_Activity* record = nullptr;
  while (cuptiActivityGetNextRecord(buffer, valid, &record) == CUPTI_SUCCESS) {
    if (record->kind != CUPTI_ACTIVITY_KIND_MEMCPY) continue;
    // Its oldest form: what is read here stands at the same place in every later one
    const auto* copy = reinterpret_cast<const CUpti_ActivityMemcpy*>(record);
    Sum& sum = sums[directionOf(copy->copyKind)];
    ++sum.copies;
    sum.bytes += copy->bytes;
  }
  std::size_t dropped = 0;
  if (cuptiActivityGetNumDroppedRecords(context, stream, &dropped) == CUPTI_SUCCESS) lost += dropped;
  ::operator delete(buffer, kAlignment);
}

void writeSums() {
  const char* path = std::getenv("SESS_COPIES");
  if (path == nullptr || !succeeds(cuptiActivityFlushAll(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED), "records are missing"))
    return;
  std::string text = "{";
  for (const Sum& sum : sums) {
    text.append("\"").append(sum.name).append("\": {\"copies\": ").append(std::to_string(sum.copies));
    text.append(", \"bytes\": ").append(std::to_string(sum.bytes)).append("}, ");
  }
  text.append("\"lost\": ").append(std::to_string(lost)).append("}\n");
  std::FILE* const file = std::fopen(path, "w");
  const bool written = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (file == nullptr || std::fclose(file) != 0 || !written) {
    std::fprintf(stderr, "count_copies: %s cannot be written\n", path);
  }
}

}  // namespace

/** The driver's call, before the program's first. */
extern "C" __attribute__((visibility("default"))) int InitializeInjection() {
  if (!succeeds(cuptiActivityRegisterCallbacks(giveBuffer, takeRecords), "CUPTI takes no buffers") ||
      !succeeds(cuptiActivityEnable(CUPTI_ACTIVITY_KIND_MEMCPY), "copies are not recorded")) {
    return 0;
  }
  return std::atexit(writeSums) == 0 ? 1 : 0;
}
