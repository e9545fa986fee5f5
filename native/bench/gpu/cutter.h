#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/gpu/case.h"
#include "bench/gpu/machine.h"

namespace sess::bench {

/** A case's photo on a machine, and its windows on their way into a model's input. */
class Cutter {
 public:
  Cutter(const Case& what, Machine& machine);

  /** The whole photo, resized to the window. */
  void base(float* to);
  /** Readies what the cut's windows come out of. */
  void begin(const Cut& cut);
  /** Some of the cut's windows, one after the other. */
  void put(const Cut& cut, std::span<const Window> windows, float* to);

  /** Every window that the plan's own order asks for but the base view, with `to(count)` for the next few of a cut. */
  template <class Room, class Put>
  void all(const Room& room, const Put& done) {
    for (const Cut& cut : case_.cuts) {
      const std::vector<Window> windows = asked(cut);
      if (windows.empty()) continue;
      begin(cut);
      for (std::span<const Window> left = windows; !left.empty();) {
        const auto [to, most] = room();
        const auto some = left.first(std::min(left.size(), static_cast<std::size_t>(most)));
        put(cut, some, to);
        left = left.subspan(some.size());
        done(some);
      }
    }
  }

 private:
  [[nodiscard]] std::vector<Window> asked(const Cut& cut) const;
  [[nodiscard]] PyramidArgs resize(Size level, Rect band, Filter filter) const;
  void gather(Size band, std::span<const std::int32_t> origins, float* to);

  const Case& case_;
  Machine& machine_;
  Array<std::uint8_t> photo_;
  Array<float> band_;
};

}  // namespace sess::bench
