// Bilinear reading of a window's grid and of a level's rows.

static void extremes(const float* a, const float* b, std::int64_t n, const std::int32_t* upper, const float* fractions,
                     std::int64_t rows, const float* f, float* lo, float* hi) {
  F low = splat(__builtin_inff()), high = splat(-__builtin_inff());
  for (std::int64_t y = 0; y < rows; ++y) {
    const float* a0 = a + upper[y] * n;
    const float* b0 = b + upper[y] * n;
    const F g = splat(fractions[y]);
    for (std::int64_t x = 0; x < n; x += kF) {
      const F left = lerpV(load(a0 + x), load(a0 + n + x), g);
      const F right = lerpV(load(b0 + x), load(b0 + n + x), g);
      const F s = lerpV(left, right, load(f + x));
      low = s < low ? s : low;
      high = s > high ? s : high;
    }
  }
  float l = low[0], h = high[0];
  for (int i = 1; i < kF; ++i) {
    l = low[i] < l ? low[i] : l;
    h = high[i] > h ? high[i] : h;
  }
  *lo = l;
  *hi = h;
}

#if SESS_HAS_PERMUTE
#if defined(__clang__)
SESS_INLINE F permute(F v, I index) {
  F out;
  for (int i = 0; i < kF; ++i) out[i] = v[index[i]];
  return out;
}
#else
SESS_INLINE F permute(F v, I index) { return __builtin_shuffle(v, index); }
#endif

/** kF outputs at x: their neighbours all lie in the kF samples from left[x], and the kF from the next. */
SESS_INLINE F expandV(const float* src, const std::int32_t* left, const float* f, std::int64_t x) {
  const std::int32_t base = left[x];
  const I index = loadInt(left + x) - base;
  return lerpV(permute(load(src + base), index), permute(load(src + base + 1), index), load(f + x));
}
#endif

static void expand(const float* src, const std::int32_t* left, const float* f, std::int64_t n, bool dense, float* out) {
  std::int64_t x = 0;
#if SESS_HAS_PERMUTE
  if (dense) {
    for (; x + kF <= n; x += kF) store(out + x, expandV(src, left, f, x));
  }
#else
  (void)dense;
#endif
  for (; x < n; ++x) out[x] = lerp(src[left[x]], src[left[x] + 1], f[x]);
}

static void expandNormalised(const float* src, const std::int32_t* left, const float* f, std::int64_t n, bool dense,
                             float lo, float range, float* out) {
  std::int64_t x = 0;
#if SESS_HAS_PERMUTE
  if (dense) {
    const F l = splat(lo), r = splat(range);
    for (; x + kF <= n; x += kF) {
      const F s = expandV(src, left, f, x);
      store(out + x, ((s < l ? l : s) - l) / r);
    }
  }
#else
  (void)dense;
#endif
  for (; x < n; ++x) out[x] = normalised(lerp(src[left[x]], src[left[x] + 1], f[x]), lo, range);
}
