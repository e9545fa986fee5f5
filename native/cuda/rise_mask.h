#pragma once

#include "cuda/copies.h"
#include "cuda/rise.h"

namespace sess::cuda {

/** Some rows of one copy under its mask. */
struct RiseMaskRows {
  CopiedImages to;
  const Copy* copies;
  RiseTables masks;
  int parts;

  template <class Team>
  SESS_HD void operator()(Team& team, std::int64_t block) const {
    const std::int64_t k = block / parts;
    const int y = static_cast<int>(block % parts) * kCopiedRows, rows = least(kCopiedRows, to.height - y);
    const std::int32_t row = copies[k].row;
    team.each(rows * to.width, [&](int i) {
      to.write(k, row, static_cast<std::int64_t>(y) * to.width + i, masks.at<float>(k, y + i / to.width, i % to.width));
    });
  }
};

template <class Launcher>
void riseMask(Launcher& launch, const RiseMaskArgs& args) {
  const auto count = static_cast<std::int64_t>(args.copies.size());
  if (count == 0) return;
  const Copy* copies = launch.upload(args.copies);
  const auto parts = static_cast<int>(ceilDiv(args.images.size.height, kCopiedRows));
  const RiseTables masks = makeRiseMasks(launch, args.masks, args.images.size, count, copies);
  launch.blocks(count * parts, 0, RiseMaskRows{copiedImages(args.images, nullptr, args.out), copies, masks, parts});
}

}  // namespace sess::cuda
