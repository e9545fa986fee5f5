// The library that counts copies, over a CUPTI of this test's own: it hands over records as CUPTI does.
#include <cupti.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

extern "C" int InitializeInjection();

namespace {

struct Copied {
  CUpti_ActivityMemcpyKind kind;
  std::uint64_t bytes;
};

std::vector<Copied> waiting;  // for whoever asks for records
std::size_t dropped = 0;
CUptiResult enabling = CUPTI_SUCCESS;
CUpti_BuffersCallbackRequestFunc giveBuffer = nullptr;
CUpti_BuffersCallbackCompleteFunc takeRecords = nullptr;

std::string sumsOf(std::vector<Copied> copies, std::size_t lost) {
  const std::string path =
      (std::filesystem::path(testing::TempDir()) / ("sess-copies-" + std::to_string(getpid()) + ".json")).string();
  std::filesystem::remove(path);
  EXPECT_EXIT(
      {
        setenv("SESS_COPIES", path.c_str(), 1);
        waiting = std::move(copies);
        dropped = lost;
        std::exit(InitializeInjection() == 1 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(CountCopies, AddsUpByDirection) {
  EXPECT_EQ(
      sumsOf({{CUPTI_ACTIVITY_MEMCPY_KIND_HTOD, 150'528},
              {CUPTI_ACTIVITY_MEMCPY_KIND_DTOH, 8},
              {CUPTI_ACTIVITY_MEMCPY_KIND_HTOD, 1},
              {CUPTI_ACTIVITY_MEMCPY_KIND_DTOD, 5'000'000'000},
              {CUPTI_ACTIVITY_MEMCPY_KIND_PTOP, 3}},
             0),
      "{\"host_to_device\": {\"copies\": 2, \"bytes\": 150529}, \"device_to_host\": {\"copies\": 1, \"bytes\": 8}, "
      "\"device_to_device\": {\"copies\": 1, \"bytes\": 5000000000}, \"other\": {\"copies\": 1, \"bytes\": 3}, "
      "\"lost\": 0}\n");
}

TEST(CountCopies, SaysHowManyRecordsWereLost) {
  EXPECT_NE(sumsOf({}, 7).find("\"host_to_device\": {\"copies\": 0, \"bytes\": 0}"), std::string::npos);
  EXPECT_NE(sumsOf({}, 7).find("\"lost\": 7}"), std::string::npos);
}

TEST(CountCopies, WritesNothingWhereCuptiFails) {
  enabling = CUPTI_ERROR_INSUFFICIENT_PRIVILEGES;
  EXPECT_EXIT(std::exit(InitializeInjection()), testing::ExitedWithCode(0), "copies are not recorded: because");
  enabling = CUPTI_SUCCESS;
}

}  // namespace

CUptiResult CUPTIAPI cuptiActivityRegisterCallbacks(CUpti_BuffersCallbackRequestFunc give,
                                                    CUpti_BuffersCallbackCompleteFunc take) {
  giveBuffer = give;
  takeRecords = take;
  return CUPTI_SUCCESS;
}

CUptiResult CUPTIAPI cuptiActivityEnable(CUpti_ActivityKind) { return enabling; }

CUptiResult CUPTIAPI cuptiActivityFlushAll(std::uint32_t) {
  std::uint8_t* buffer = nullptr;
  std::size_t bytes = 0, records = 0, filled = 0;
  giveBuffer(&buffer, &bytes, &records);
  for (const auto& [kind, moved] : waiting) {
    CUpti_ActivityMemcpy6 record{};  // as CUPTI of CUDA 13 writes it
    record.kind = CUPTI_ACTIVITY_KIND_MEMCPY;
    record.copyKind = static_cast<std::uint8_t>(kind);
    record.bytes = moved;
    std::memcpy(buffer + filled, &record, sizeof record);
    filled += sizeof record;
  }
  takeRecords(nullptr, 0, buffer, bytes, filled);
  return CUPTI_SUCCESS;
}

CUptiResult CUPTIAPI cuptiActivityGetNextRecord(std::uint8_t* buffer, std::size_t filled, CUpti_Activity** record) {
  auto* const last = reinterpret_cast<std::uint8_t*>(*record);
  std::uint8_t* const next = last == nullptr ? buffer : last + sizeof(CUpti_ActivityMemcpy6);
  if (next >= buffer + filled) return CUPTI_ERROR_MAX_LIMIT_REACHED;
  *record = reinterpret_cast<CUpti_Activity*>(next);
  return CUPTI_SUCCESS;
}

CUptiResult CUPTIAPI cuptiActivityGetNumDroppedRecords(CUcontext, std::uint32_t, std::size_t* count) {
  *count = dropped;
  return CUPTI_SUCCESS;
}

CUptiResult CUPTIAPI cuptiGetResultString(CUptiResult, const char** text) {
  *text = "because";
  return CUPTI_SUCCESS;
}
