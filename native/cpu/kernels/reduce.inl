// Channel sums of a class activation map, and extremes of what lies in memory.

/** Stores kD sums as floats. */
SESS_INLINE void storeSums(float* p, D s) {
  const H h = __builtin_convertvector(s, H);
  __builtin_memcpy(p, &h, sizeof h);
}

static void reduceChannels(const float* planes, const float* weights, std::int64_t channels, std::int64_t stride,
                           std::int64_t n, float* out) {
  if (n < kD) {
    for (std::int64_t p = 0; p < n; ++p) {
      double s = 0.0;
      for (std::int64_t c = 0; c < channels; ++c) {
        s += static_cast<double>(weights[c]) * static_cast<double>(planes[c * stride + p]);
      }
      out[p] = static_cast<float>(s);
    }
    return;
  }
  std::int64_t p = 0;
  for (; p + 8 * kD <= n; p += 8 * kD) {
    D s0 = {}, s1 = {}, s2 = {}, s3 = {}, s4 = {}, s5 = {}, s6 = {}, s7 = {};
    for (std::int64_t c = 0; c < channels; ++c) {
      const float* a = planes + c * stride + p;
      const D w = static_cast<double>(weights[c]) - D{};
      s0 += w * fromFloats(a);
      s1 += w * fromFloats(a + kD);
      s2 += w * fromFloats(a + 2 * kD);
      s3 += w * fromFloats(a + 3 * kD);
      s4 += w * fromFloats(a + 4 * kD);
      s5 += w * fromFloats(a + 5 * kD);
      s6 += w * fromFloats(a + 6 * kD);
      s7 += w * fromFloats(a + 7 * kD);
    }
    storeSums(out + p, s0);
    storeSums(out + p + kD, s1);
    storeSums(out + p + 2 * kD, s2);
    storeSums(out + p + 3 * kD, s3);
    storeSums(out + p + 4 * kD, s4);
    storeSums(out + p + 5 * kD, s5);
    storeSums(out + p + 6 * kD, s6);
    storeSums(out + p + 7 * kD, s7);
  }
  // The last vectors overlap what is done: 7 x 7 is four eights, two eights and one that ends at 49.
  while (p < n) {
    if (n - p > 2 * kD) {
      const std::int64_t q = p + 4 * kD <= n ? p : n >= 4 * kD ? n - 4 * kD : -1;
      if (q >= 0) {
        D s0 = {}, s1 = {}, s2 = {}, s3 = {};
        for (std::int64_t c = 0; c < channels; ++c) {
          const float* a = planes + c * stride + q;
          const D w = static_cast<double>(weights[c]) - D{};
          s0 += w * fromFloats(a);
          s1 += w * fromFloats(a + kD);
          s2 += w * fromFloats(a + 2 * kD);
          s3 += w * fromFloats(a + 3 * kD);
        }
        storeSums(out + q, s0);
        storeSums(out + q + kD, s1);
        storeSums(out + q + 2 * kD, s2);
        storeSums(out + q + 3 * kD, s3);
        p = q + 4 * kD;
        continue;
      }
    }
    if (n >= 2 * kD && n - p > kD) {
      const std::int64_t q = p + 2 * kD <= n ? p : n - 2 * kD;
      D s0 = {}, s1 = {};
      for (std::int64_t c = 0; c < channels; ++c) {
        const float* a = planes + c * stride + q;
        const D w = static_cast<double>(weights[c]) - D{};
        s0 += w * fromFloats(a);
        s1 += w * fromFloats(a + kD);
      }
      storeSums(out + q, s0);
      storeSums(out + q + kD, s1);
      p = q + 2 * kD;
      continue;
    }
    const std::int64_t q = p + kD <= n ? p : n - kD;
    D s = {};
    for (std::int64_t c = 0; c < channels; ++c) {
      s += (static_cast<double>(weights[c]) - D{}) * fromFloats(planes + c * stride + q);
    }
    storeSums(out + q, s);
    p = q + kD;
  }
}

static void addScaled(const float* values, float weight, std::int64_t n, double* sum) {
  const D w = static_cast<double>(weight) - D{};
  std::int64_t x = 0;
  for (; x + kD <= n; x += kD) {
    D s;
    __builtin_memcpy(&s, sum + x, sizeof s);
    s += w * fromFloats(values + x);
    __builtin_memcpy(sum + x, &s, sizeof s);
  }
  for (; x < n; ++x) sum[x] += static_cast<double>(weight) * static_cast<double>(values[x]);
}

static void bounds(const float* values, std::int64_t n, float* lo, float* hi) {
  F low0 = splat(__builtin_inff()), high0 = -low0, low1 = low0, high1 = high0;
  std::int64_t i = 0;
  for (; i + 2 * kF <= n; i += 2 * kF) {
    const F v0 = load(values + i), v1 = load(values + i + kF);
    low0 = v0 < low0 ? v0 : low0;
    low1 = v1 < low1 ? v1 : low1;
    high0 = v0 > high0 ? v0 : high0;
    high1 = v1 > high1 ? v1 : high1;
  }
  low0 = low1 < low0 ? low1 : low0;
  high0 = high1 > high0 ? high1 : high0;
  float l = low0[0], h = high0[0];
  for (int k = 1; k < kF; ++k) {
    l = low0[k] < l ? low0[k] : l;
    h = high0[k] > h ? high0[k] : h;
  }
  for (; i < n; ++i) {
    l = values[i] < l ? values[i] : l;
    h = values[i] > h ? values[i] : h;
  }
  *lo = l + 0.0F;  // of a zero, the first sign found would depend on the vector's width
  *hi = h + 0.0F;
}
