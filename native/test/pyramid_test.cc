#include <algorithm>
#include <cmath>

#include "support.h"

namespace sess::test {
namespace {

struct Shape {
  const char* what;
  Size photo, level;
  Rect band;  // empty: all of the level
};

const Shape kShapes[] = {
    {"shrunk", {120, 161}, {30, 40}, {}},
    {"shrunk by a lot", {400, 300}, {9, 7}, {}},
    {"shrunk a little", {101, 99}, {100, 98}, {}},
    {"grown", {24, 24}, {61, 61}, {}},
    {"grown by a lot", {3, 5}, {97, 161}, {}},
    {"copied", {33, 47}, {33, 47}, {}},
    {"rows grow, columns shrink", {10, 300}, {32, 32}, {}},
    {"rows shrink, columns grow", {300, 10}, {32, 32}, {}},
    {"one pixel", {1, 1}, {17, 23}, {}},
    {"to one pixel", {50, 60}, {1, 1}, {}},
    {"long strip", {1, 2000}, {16, 32000}, {0, 12345, 16, 700}},
    {"long strip to a window", {2, 9000}, {16, 16}, {}},
    {"wider than its scratch", {40, 5000}, {20, 2500}, {}},
    {"band in the middle, shrunk", {200, 300}, {100, 150}, {37, 41, 29, 53}},
    {"band in the middle, grown", {40, 60}, {100, 150}, {37, 41, 29, 53}},
    {"band of one row", {40, 60}, {100, 150}, {99, 0, 1, 150}},
    {"band at the end", {200, 300}, {100, 150}, {93, 143, 7, 7}},
};

/** Rows of weights, as SEMANTICS 2 writes them. */
std::vector<std::vector<double>> plainWeights(std::int64_t nIn, std::int64_t nOut, bool antialias) {
  std::vector<std::vector<double>> rows(static_cast<std::size_t>(nOut),
                                        std::vector<double>(static_cast<std::size_t>(nIn), 0.0));
  const double s = static_cast<double>(nIn) / static_cast<double>(nOut);
  for (std::int64_t i = 0; i < nOut; ++i) {
    auto& row = rows[static_cast<std::size_t>(i)];
    if (antialias && nOut < nIn) {
      const double c = s * (static_cast<double>(i) + 0.5);
      const auto lo = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(c - s + 0.5)));
      const auto hi = std::min<std::int64_t>(nIn, static_cast<std::int64_t>(std::floor(c + s + 0.5)));
      double sum = 0.0;
      for (std::int64_t j = lo; j < hi; ++j) {
        row[static_cast<std::size_t>(j)] = std::max(0.0, 1.0 - std::fabs((static_cast<double>(j) + 0.5 - c) / s));
        sum += row[static_cast<std::size_t>(j)];
      }
      for (auto& w : row) w /= sum;
    } else {
      const auto p = plainPosition(i, nIn, nOut);
      row[static_cast<std::size_t>(p.i0)] += 1.0 - p.f;
      row[static_cast<std::size_t>(p.i1)] += p.f;
    }
  }
  return rows;
}

void expectPlain(const Shape& shape, Filter filter, std::array<int, 3> channels) {
  const Rect band = shape.band.width > 0 ? shape.band : Rect{0, 0, shape.level.height, shape.level.width};
  const auto photo = Random(3).bytes(shape.photo.height * shape.photo.width * 3);
  const std::array<float, 3> scale{1.0F / 255.0F / 0.229F, 1.0F / 255.0F, 2.0F / 255.0F};
  const std::array<float, 3> bias{-0.485F / 0.229F, 0.0F, -1.0F};
  const std::int64_t plane = band.height * band.width;
  const auto out = onEveryBackend<float>(3 * plane, [&](Backend& b, Guarded<float>& o) {
    b.pyramid({photo.data(), shape.photo, shape.level, band, filter, channels, scale, bias, o.data()}, never());
  });
  // Only a sample of a long level's columns: the plain weights are dense.
  const bool antialias = filter == Filter::antialias;
  const auto rows = plainWeights(shape.photo.height, shape.level.height, antialias);
  const auto columns = plainWeights(shape.photo.width, shape.level.width, antialias);
  for (std::size_t c = 0; c < 3; ++c) {
    const double range = 255.0 * static_cast<double>(scale[c]);
    double worst = 0.0;
    for (std::int64_t x = 0; x < band.width; ++x) {
      const auto& across = columns[static_cast<std::size_t>(band.x + x)];
      std::vector<double> column(static_cast<std::size_t>(shape.photo.height), 0.0);
      for (std::size_t j = 0; j < across.size(); ++j) {
        if (across[j] == 0.0) continue;
        for (std::size_t y = 0; y < column.size(); ++y) {
          column[y] += across[j] * photo[(y * across.size() + j) * 3 + static_cast<std::size_t>(channels[c])];
        }
      }
      for (std::int64_t y = 0; y < band.height; ++y) {
        const auto& down = rows[static_cast<std::size_t>(band.y + y)];
        double v = 0.0;
        for (std::size_t j = 0; j < down.size(); ++j) v += down[j] * column[j];
        v = v * static_cast<double>(scale[c]) + static_cast<double>(bias[c]);
        const double got = static_cast<double>(out[static_cast<std::int64_t>(c) * plane + y * band.width + x]);
        const double d = std::fabs(got - v) / range;
        if (!(d <= worst)) worst = d;
      }
    }
    EXPECT_LE(worst, 2e-5) << shape.what << ", channel " << c;
  }
}

TEST(Pyramid, IsThePlainResizeForEveryShapeAndFilter) {
  for (const auto& shape : kShapes) {
    if (shape.level.width > 10000) continue;
    SCOPED_TRACE(shape.what);
    expectPlain(shape, Filter::antialias, {0, 1, 2});
    expectPlain(shape, Filter::bilinear, {2, 1, 0});
  }
}

TEST(Pyramid, IsThePlainResizeForRandomShapes) {
  Random random(98);
  for (int i = 0; i < 120; ++i) {
    const Size photo{1 + random.below(120), 1 + random.below(150)}, level{1 + random.below(120), 1 + random.below(150)};
    const std::int64_t y = random.below(level.height), x = random.below(level.width);
    const Rect band{y, x, 1 + random.below(level.height - y), 1 + random.below(level.width - x)};
    SCOPED_TRACE(i);
    expectPlain({"random", photo, level, band}, i % 3 == 0 ? Filter::bilinear : Filter::antialias, {0, 1, 2});
  }
}

TEST(Pyramid, AnOutputChannelMayReadAnyPhotoChannel) { expectPlain(kShapes[3], Filter::antialias, {1, 1, 0}); }

TEST(Pyramid, BandsOfALevelAreTheLevel) {
  for (const auto& shape : kShapes) {
    if (shape.band.width > 0) continue;
    const Size level = shape.level;
    const auto photo = Random(4).bytes(shape.photo.height * shape.photo.width * 3);
    const auto backend = cpu::makeBackend(2, cpu::simdVariants().back());
    const auto cut = [&](Rect band) {
      std::vector<float> out(static_cast<std::size_t>(3 * band.height * band.width));
      backend->pyramid({photo.data(),
                        shape.photo,
                        level,
                        band,
                        Filter::antialias,
                        {0, 1, 2},
                        {1.0F, 1.0F, 1.0F},
                        {0.0F, 0.0F, 0.0F},
                        out.data()},
                       never());
      return out;
    };
    const auto whole = cut({0, 0, level.height, level.width});
    const std::int64_t y = level.height / 3, x = level.width / 3;
    const std::int64_t h = std::max<std::int64_t>(1, level.height / 2), w = std::max<std::int64_t>(1, level.width / 2);
    const auto part = cut({y, x, h, w});
    for (std::int64_t c = 0; c < 3; ++c) {
      for (std::int64_t i = 0; i < h; ++i) {
        for (std::int64_t j = 0; j < w; ++j) {
          ASSERT_EQ(at(part, (c * h + i) * w + j), at(whole, (c * level.height + y + i) * level.width + x + j))
              << shape.what;
        }
      }
    }
  }
}

TEST(Pyramid, ALongStripIsReadWhereItsBandIs) {
  // Rows of one photo pixel, so the level's value is the horizontal lerp alone.
  const std::int64_t n = 2000, level = 32000;
  const Rect band{3, 30000, 5, 2000};
  const auto photo = Random(5).bytes(n * 3);
  const auto out = onEveryBackend<float>(3 * band.height * band.width, [&](Backend& b, Guarded<float>& o) {
    b.pyramid({photo.data(),
               {1, n},
               {16, level},
               band,
               Filter::antialias,
               {0, 1, 2},
               {1.0F, 1.0F, 1.0F},
               {0.0F, 0.0F, 0.0F},
               o.data()},
              never());
  });
  for (std::int64_t x = 0; x < band.width; ++x) {
    const auto p = plainPosition(band.x + x, n, level);
    for (std::int64_t c = 0; c < 3; ++c) {
      const double a = at(photo, p.i0 * 3 + c), b = at(photo, p.i1 * 3 + c);
      ASSERT_NEAR(static_cast<double>(out[(c * band.height + 2) * band.width + x]), a + p.f * (b - a), 255 * 2e-5);
    }
  }
}

}  // namespace
}  // namespace sess::test
