// A case of the native end-to-end program: what is refused, and with which words; weights and differences.
#include "bench/gpu/case.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "bench/gpu/scores.h"
#include "core/error.h"

namespace sess::test {
namespace {

using bench::Case;

const float kNan = std::numeric_limits<float>::quiet_NaN();

class CaseFile : public testing::Test {
 protected:
  CaseFile() : folder_(std::filesystem::path(testing::TempDir()) / ("sess-case-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(folder_);
    write("photo.rgb", std::string(3 * 3 * 2, '\x7f'));
    std::string map("\x93NUMPY\x01\x00v\x00", 10);
    map += "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }";
    map.resize(127, ' ');
    map += "\n" + std::string(sizeof(float) * 3 * 2, '\0');
    write("map.npy", map);
  }
  ~CaseFile() override { std::filesystem::remove_all(folder_); }

  void write(const char* name, const std::string& bytes) { std::ofstream(folder_ / name, std::ios::binary) << bytes; }

  [[nodiscard]] std::string path() const { return (folder_ / "one.case").string(); }

  Case read(const std::string& text) {
    write("one.case", text);
    return bench::readCase(path());
  }

  /** What `text` with `line` in the place of `old` is refused for. */
  std::string refusal(const std::string& old, const std::string& line) {
    std::string changed = kText;
    changed.replace(changed.find(old), old.size(), line);
    try {
      (void)read(changed);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::optionInvalid);
      return error.what();
    }
    return "not refused";
  }

  const std::string kText =
      "sess-case 1\nname a name\nprecision fp32\ngraph a.onnx\nbare b.onnx\nphoto 3 2 photo.rgb\nmap 4 map.npy\n"
      "tolerance 0.999 0.0001\nimage NHWC in put\nlogits 5 sigmoid logits\nseed -1 seed\n"
      "cam 7 2 3 samples features\npixels 2 1 0 1e-2 0.5 1 -1 0 1\nfilter bilinear\nwindow 4 4\nlevel 4 6\nlevel 8 12\n"
      "base 0\nbatch 8 32\nfusion max 0.25 0.5\nsmooth 11 5\npatches 0\nat 0 0 0\nat 1 0 2\nband 1 2 3 6 9\nat 2 4 8\n";

 private:
  std::filesystem::path folder_;
};

TEST_F(CaseFile, IsReadLineByLine) {
  const Case what = read(kText);
  EXPECT_EQ(what.name, "a name");
  EXPECT_EQ(what.image, "in put");
  EXPECT_EQ(what.layout, Layout::nhwc);
  EXPECT_EQ(what.photo.size(), 18U);
  EXPECT_EQ(what.map.size(), 6U);
  EXPECT_EQ(what.scale[0], 0.01F);
  EXPECT_EQ(what.channels[0], 2);
  EXPECT_EQ(what.target, -1);
  EXPECT_FALSE(what.bound.has_value());
  const auto& cam = std::get<bench::CamOutputs>(what.outputs);
  EXPECT_TRUE(cam.rectifySamples && !cam.weights && cam.channels == 7 && cam.grid.width == 3);
  EXPECT_EQ(what.windows, 3);
  ASSERT_EQ(what.cuts.size(), 2U);
  EXPECT_FALSE(what.cuts[0].band.has_value());
  EXPECT_EQ(what.cuts[1].band->width, 9);
  EXPECT_EQ(what.cuts[1].windows[0].x, 8);
  EXPECT_EQ(what.fusion, Fusion::max);
  EXPECT_EQ(what.smoothing->taps, 11);
}

TEST_F(CaseFile, IsRefusedWithItsLine) {
  const struct {
    const char *old, *line, *refusal;
  } faults[] = {
      {"sess-case 1\n", "", ":1: a case begins"},
      {"sess-case 1", "sess-case 2", ":1: 2 is not between 1 and 1"},
      {"name a name\n", "sess-case 1\n", ":2: a case begins"},
      {"fp32", "fp8", ":3: \"fp8\" is none of the choices"},
      {"a.onnx", "../a.onnx", ":4: \"../a.onnx\" is no plain file name"},
      {"photo 3 2", "photo 3 0", ":6: 0 is not between"},
      {"photo 3 2", "photo 3 2.5", ":6: \"2.5\" is no number"},
      {"0.999 0.0001", "0.999 nan", ":8: nan is out of range"},
      {"0.999 0.0001", "0.999", ":8: a word is missing"},
      {"filter bilinear", "filter bilinear 3", ":14: \"3\" is too much"},
      {"cam 7", "hat 7", ":12: \"hat\" is no line of a case"},
      {"cam 7 2 3 samples features\n", "", "there is one line \"cam\" or \"gradient\""},
      {"cam 7 2 3 samples features", "weights w", ":12: \"weights\" stands behind \"cam\""},
      {"patches 0\n", "", ":22: a window stands behind"},
      {"batch 8 32\n", "", "there is no line \"batch\""},
      {"patches 0", "patches 2", "there is no level 2"},
      {"at 1 0 2", "at 1 0 3", "window 1 leaves its level or band"},
      {"at 2 4 8", "at 2 1 8", "window 2 leaves its level or band"},
      {"band 1 2 3 6 9", "band 1 2 3 6 10", "a band leaves its level"},
      {"at 1 0 2", "at 0 0 2", "window 0 stands there twice"},
      {"at 1 0 2", "at 3 0 2", "a window is missing"},
      {"base 0", "base 3", "the base view is no window"},
      {"seed -1", "seed 5", "the target is no class"},
      {"photo 3 2", "photo 3 3", "photo.rgb is of another size"},
      {"photo.rgb", "none.rgb", "none.rgb cannot be read"},
      {"map.npy", "none.npy", "none.npy cannot be read"},
  };
  for (const auto& [old, line, expected] : faults) {
    const std::string found = refusal(old, line);
    EXPECT_NE(found.find(expected), std::string::npos) << line << ": " << found;
    EXPECT_EQ(found.rfind(path(), 0), 0U) << found;
  }
  EXPECT_THROW((void)bench::readCase(path() + ".none"), Error);
}

TEST_F(CaseFile, RefusesAMapOfAnotherSize) {
  write("photo.rgb", std::string(3 * 2 * 3, 'x'));
  EXPECT_NE(refusal("photo 3 2", "photo 2 3").find("map.npy is no map of the photo's size"), std::string::npos);
}

TEST(Weigh, IsTheProbabilityOverTheLargestOfAll) {
  const std::vector<double> logP{-2.0, -1.0, static_cast<double>(kNan), -900.0, -3.0};
  const std::vector<float> peaks{1.0F, kNan, 1.0F, 1.0F, 0.0F};
  const auto [kept, weights] = bench::weigh(logP, peaks, 0.0);
  EXPECT_EQ(kept, (std::vector<std::int32_t>{0, 3, 4}));  // 1 has no map, and is the largest all the same
  ASSERT_EQ(weights.size(), 3U);
  EXPECT_FLOAT_EQ(weights[0], static_cast<float>(std::exp(-1.0)));
  EXPECT_EQ(weights[1], 1e-30F);
  EXPECT_FLOAT_EQ(weights[2], static_cast<float>(std::exp(-2.0)));
}

TEST(Weigh, DropsTheLowestShareTiesByIndex) {
  const std::vector<float> peaks(5, 1.0F);
  const std::vector<double> logP{-1.0, -2.0, -2.0, static_cast<double>(kNan), -2.0};
  EXPECT_EQ(bench::weigh(logP, peaks, 0.5).kept, (std::vector<std::int32_t>{0, 4}));
  EXPECT_EQ(bench::weigh(logP, peaks, 0.24).kept, (std::vector<std::int32_t>{0, 1, 2, 4}));
  EXPECT_EQ(bench::weigh(logP, peaks, 1.0).kept, (std::vector<std::int32_t>{0}));  // one is always kept
}

TEST(Weigh, RefusesWindowsOfWhichNoneIsFinite) {
  EXPECT_THROW((void)bench::weigh(std::vector<double>{static_cast<double>(kNan)}, std::vector<float>{1.0F}, 0.0),
               Error);
  EXPECT_THROW((void)bench::weigh(std::vector<double>{-1.0}, std::vector<float>{kNan}, 0.0), Error);
}

TEST(Difference, CountsWhatIsCloseAndWhatIsNoNumber) {
  const std::vector<float> a{0.0F, 0.5F, 1.0F, 0.25F};
  const auto apart = bench::differenceOf(a, std::vector<float>{0.0F, 0.5009F, 0.998F, 0.25F});
  EXPECT_EQ(apart.close, 0.75);
  EXPECT_NEAR(apart.mean, 0.0029 / 4, 1e-7);
  EXPECT_NEAR(apart.largest, 0.002, 1e-7);
  EXPECT_TRUE(apart.holds({0.75, 1e-3}));
  EXPECT_FALSE(apart.holds({0.76, 1e-3}));
  EXPECT_FALSE(apart.holds({0.75, 7e-4}));
  EXPECT_FALSE(bench::differenceOf(a, std::vector<float>{0.0F, kNan, 1.0F, 0.25F}).holds({0.0, 1.0}));
  EXPECT_FALSE(bench::differenceOf(a, std::vector<float>{0.0F}).holds({0.0, 1.0}));
}

}  // namespace
}  // namespace sess::test
