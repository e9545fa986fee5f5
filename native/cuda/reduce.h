#pragma once

#include "cuda/launch.h"

namespace sess::cuda {

/**
 * `identity` combined with every value(i), i < n, in an order that depends on n alone; the same for all threads.
 * `shared`: kThreads elements.
 */
template <class T, class Team, class Value, class Combine>
SESS_HD T reduce(Team& team, T* shared, int n, T identity, const Value& value, const Combine& combine) {
  team.each(kThreads, [&](int t) {
    T all = identity;
    for (int i = t; i < n; i += kThreads) all = combine(all, value(i));
    shared[t] = all;
  });
  for (int half = kThreads / 2; half > 0; half /= 2) {
    team.each(half, [&](int t) { shared[t] = combine(shared[t], shared[t + half]); });
  }
  const T result = shared[0];
  team.sync();  // before the next phase writes there
  return result;
}

/** Extremes; NaN is left out. */
struct Bounds {
  float lo, hi;
};

SESS_HD inline Bounds noBounds() { return {__builtin_huge_valf(), -__builtin_huge_valf()}; }

SESS_HD inline Bounds within(Bounds a, Bounds b) { return {b.lo < a.lo ? b.lo : a.lo, b.hi > a.hi ? b.hi : a.hi}; }

/** The extremes of `n` values; + 0: never minus zero, whose place would show in the result. */
template <class Team>
SESS_HD Bounds boundsOf(Team& team, Bounds* shared, const float* values, int n) {
  const Bounds b = reduce(
      team, shared, n, noBounds(),
      [&](int i) {
        return Bounds{values[i], values[i]};
      },
      within);
  return {b.lo + 0.0F, b.hi + 0.0F};
}

}  // namespace sess::cuda
