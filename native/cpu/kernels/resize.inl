// Separable resize of interleaved bytes; the horizontal pass carries kLanes rows at once.

static void blendRows(const std::uint8_t* src, std::int64_t stride, const float* weights, std::int64_t taps,
                      std::int64_t n, float* out) {
  std::int64_t x = 0;
  for (; x + 4 * kF <= n; x += 4 * kF) {
    F s0 = {}, s1 = {}, s2 = {}, s3 = {};
    const std::uint8_t* p = src + x;
    for (std::int64_t t = 0; t < taps; ++t, p += stride) {
      const F w = splat(weights[t]);
      s0 += w * fromBytes(p);
      s1 += w * fromBytes(p + kF);
      s2 += w * fromBytes(p + 2 * kF);
      s3 += w * fromBytes(p + 3 * kF);
    }
    store(out + x, s0);
    store(out + x + kF, s1);
    store(out + x + 2 * kF, s2);
    store(out + x + 3 * kF, s3);
  }
  for (; x + kF <= n; x += kF) {
    F s = {};
    for (std::int64_t t = 0; t < taps; ++t) s += splat(weights[t]) * fromBytes(src + t * stride + x);
    store(out + x, s);
  }
  for (; x < n; ++x) {
    float s = 0.0F;
    for (std::int64_t t = 0; t < taps; ++t) s += weights[t] * static_cast<float>(src[t * stride + x]);
    out[x] = s;
  }
}

static void rowsToLanes(const float* rows, std::int64_t stride, std::int64_t n, float* lanes) {
  std::int64_t x = 0;
  for (; x + 4 <= n; x += 4) {
    for (std::int64_t r = 0; r < kLanes; r += 4) {
      F4 a, b, c, d;
      transpose4(rows + r * stride + x, stride, &a, &b, &c, &d);
      float* out = lanes + x * kLanes + r;
      store4(out, a);
      store4(out + kLanes, b);
      store4(out + 2 * kLanes, c);
      store4(out + 3 * kLanes, d);
    }
  }
  for (; x < n; ++x) {
    for (std::int64_t r = 0; r < kLanes; ++r) lanes[x * kLanes + r] = rows[r * stride + x];
  }
}

static void blendLanes(const float* lanes, std::int64_t from, std::int64_t to, TapsView taps, std::int64_t columns,
                       float* sums) {
  for (std::int64_t x = 0; x < columns; ++x) {
    const std::int64_t first = taps.first[x], last = first + taps.count[x];
    const std::int64_t begin = first < from ? from : first, end = last > to ? to : last;
    if (begin >= end) continue;
    const float* w = taps.weights + taps.offset[x] + (begin - first);
    const float* source = lanes + (begin - from) * 3 * kLanes;
    float* sum = sums + x * 3 * kLanes;
    for (std::int64_t r = 0; r < kLanes; r += kF) {
      F s0 = load(sum + r), s1 = load(sum + kLanes + r), s2 = load(sum + 2 * kLanes + r);
      const float* p = source + r;
      for (std::int64_t t = 0; t < end - begin; ++t, p += 3 * kLanes) {
        const F wt = splat(w[t]);
        s0 += wt * load(p);
        s1 += wt * load(p + kLanes);
        s2 += wt * load(p + 2 * kLanes);
      }
      store(sum + r, s0);
      store(sum + kLanes + r, s1);
      store(sum + 2 * kLanes + r, s2);
    }
  }
}

static void lanesToRows(const float* sums, std::int64_t columns, std::int64_t rows, const int* channels,
                        const float* scale, const float* bias, float* out, std::int64_t stride, std::int64_t plane) {
  constexpr std::int64_t kBlock = 64;  // columns whose sums stay in L1 while the twelve 4-row strips read them
  for (std::int64_t x0 = 0; x0 < columns; x0 += kBlock) {
    const std::int64_t x1 = x0 + kBlock < columns ? x0 + kBlock : columns;
    for (std::int64_t c = 0; c < 3; ++c) {
      const float m = scale[c], n = bias[c];
      const float* source = sums + channels[c] * kLanes;
      const F4 m4 = {m, m, m, m}, n4 = {n, n, n, n};
      std::int64_t r = 0;
      for (; r + 4 <= rows; r += 4) {
        float* o = out + c * plane + r * stride;
        std::int64_t x = x0;
        for (; x + 4 <= x1; x += 4) {
          F4 a, b, d, e;
          transpose4(source + x * 3 * kLanes + r, 3 * kLanes, &a, &b, &d, &e);
          store4(o + x, a * m4 + n4);
          store4(o + stride + x, b * m4 + n4);
          store4(o + 2 * stride + x, d * m4 + n4);
          store4(o + 3 * stride + x, e * m4 + n4);
        }
        for (; x < x1; ++x) {
          for (std::int64_t i = 0; i < 4; ++i) o[i * stride + x] = source[x * 3 * kLanes + r + i] * m + n;
        }
      }
      for (; r < rows; ++r) {
        for (std::int64_t x = x0; x < x1; ++x) {
          out[c * plane + r * stride + x] = source[x * 3 * kLanes + r] * m + n;
        }
      }
    }
  }
}

static void lerpRow(const float* a, const float* b, float f, std::int64_t n, float* out) {
  const F fv = splat(f);
  std::int64_t x = 0;
  for (; x + kF <= n; x += kF) store(out + x, lerpV(load(a + x), load(b + x), fv));
  for (; x < n; ++x) out[x] = lerp(a[x], b[x], f);
}
