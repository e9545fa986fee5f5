// Symmetric filters: the centre first, then the pairs outwards, in the order that gauss.h bounds.

static void smoothRow(const float* const* rows, const float* half, std::int64_t reach, std::int64_t n, float* out) {
  const float* const* mid = rows + reach;
  std::int64_t x = 0;
  for (; x + 2 * kF <= n; x += 2 * kF) {
    const F w = splat(half[0]);
    F s0 = w * load(mid[0] + x), s1 = w * load(mid[0] + x + kF);
    for (std::int64_t k = 1; k <= reach; ++k) {
      const F h = splat(half[k]);
      s0 += h * (load(mid[-k] + x) + load(mid[k] + x));
      s1 += h * (load(mid[-k] + x + kF) + load(mid[k] + x + kF));
    }
    store(out + x, s0);
    store(out + x + kF, s1);
  }
  for (; x < n; ++x) {
    float s = half[0] * mid[0][x];
    for (std::int64_t k = 1; k <= reach; ++k) s += half[k] * (mid[-k][x] + mid[k][x]);
    out[x] = s;
  }
}

static void smoothAlong(const float* centre, const float* half, std::int64_t reach, std::int64_t step, std::int64_t n,
                        float* out) {
  std::int64_t x = 0;
  for (; x + 2 * kF <= n; x += 2 * kF) {
    const F w = splat(half[0]);
    const float* p = centre + x;
    F s0 = w * load(p), s1 = w * load(p + kF);
    for (std::int64_t k = 1; k <= reach; ++k) {
      const F h = splat(half[k]);
      s0 += h * (load(p - k * step) + load(p + k * step));
      s1 += h * (load(p - k * step + kF) + load(p + k * step + kF));
    }
    store(out + x, s0);
    store(out + x + kF, s1);
  }
  for (; x < n; ++x) {
    float s = half[0] * centre[x];
    for (std::int64_t k = 1; k <= reach; ++k) s += half[k] * (centre[x - k * step] + centre[x + k * step]);
    out[x] = s;
  }
}
