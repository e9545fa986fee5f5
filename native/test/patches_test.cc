#include "support.h"

namespace sess::test {
namespace {

struct Shape {
  const char* what;
  Size photo, level, window;
  std::vector<std::int32_t> origins;
};

const Shape kShapes[] = {
    {"grown", {20, 31}, {64, 99}, {16, 24}, {0, 0, 48, 75, 13, 7, 13, 7}},
    {"shrunk", {200, 310}, {64, 99}, {16, 24}, {0, 0, 48, 75, 13, 7}},
    {"copied", {40, 50}, {40, 50}, {9, 11}, {31, 39, 0, 0}},
    {"window is the level", {10, 300}, {32, 32}, {32, 32}, {0, 0}},
    {"one pixel", {1, 1}, {17, 23}, {5, 3}, {12, 20, 0, 0}},
    {"long strip", {1, 2000}, {16, 32000}, {16, 16}, {0, 31984, 0, 12345}},
    {"nothing", {4, 4}, {8, 8}, {8, 8}, {}},
};

TEST(Patches, AreWhatGatherCutsFromThePyramid) {
  for (const auto& s : kShapes) {
    const auto photo = Random(3).bytes(s.photo.height * s.photo.width * 3);
    for (const auto filter : {Filter::antialias, Filter::bilinear}) {
      PyramidArgs args{photo.data(),
                       s.photo,
                       s.level,
                       {0, 0, s.level.height, s.level.width},
                       filter,
                       {2, 0, 1},
                       {0.01F, 0.02F, 0.03F},
                       {-1.0F, 0.5F, 0.0F},
                       nullptr};
      std::vector<float> level(static_cast<std::size_t>(3 * s.level.height * s.level.width));
      args.out = level.data();
      const auto one = cpu::makeBackend(1, cpu::simdVariants().back());
      one->pyramid(args, never());
      const auto windows = static_cast<std::int64_t>(s.origins.size() / 2);
      const std::int64_t floats = windows * 3 * s.window.height * s.window.width;
      Guarded<float> expected(floats);
      one->gather({level.data(), s.level, s.window, s.origins, Layout::nchw, expected.data()}, never());
      const auto out = onEveryBackend<float>(floats, [&](Backend& b, Guarded<float>& o) {
        b.patches({args, s.window, s.origins, o.data()}, never());
      });
      EXPECT_TRUE(out.sameBits(expected)) << s.what;
    }
  }
}

}  // namespace
}  // namespace sess::test
