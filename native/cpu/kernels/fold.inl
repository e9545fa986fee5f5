// Folds a window's calibrated rows into a tile: the loop that touches every pixel once per window over it.

static void foldMean(const LerpRows& q) {
  const F w = splat(q.weight), one = splat(1.0F);
  for (std::int64_t r = 0; r < q.rows; ++r) {
    const float f = q.fractions[r];
    const F fv = splat(f);
    float* sum = q.sum + r * q.stride;
    float* count = q.count + r * q.stride;
    std::int64_t x = 0;
    for (; x + kF <= q.columns; x += kF) {
      const F v = lerpV(load(q.upper + x), load(q.lower + x), fv);
      store(sum + x, load(sum + x) + w * v);
      store(count + x, load(count + x) + (v > F{} ? one : F{}));
    }
    for (; x < q.columns; ++x) {
      const float v = lerp(q.upper[x], q.lower[x], f);
      sum[x] += q.weight * v;
      count[x] += v > 0.0F ? 1.0F : 0.0F;
    }
  }
}

static void foldMeanAbove(const LerpRows& q) {
  const F w = splat(q.weight), theta = splat(q.theta), one = splat(1.0F);
  for (std::int64_t r = 0; r < q.rows; ++r) {
    const float f = q.fractions[r];
    const F fv = splat(f);
    float* sum = q.sum + r * q.stride;
    float* count = q.count + r * q.stride;
    std::int64_t x = 0;
    for (; x + kF <= q.columns; x += kF) {
      const F l = w * lerpV(load(q.upper + x), load(q.lower + x), fv);
      const I above = l > theta;
      store(sum + x, load(sum + x) + (above ? l : F{}));
      store(count + x, load(count + x) + (above ? one : F{}));
    }
    for (; x < q.columns; ++x) {
      const float l = q.weight * lerp(q.upper[x], q.lower[x], f);
      sum[x] += l > q.theta ? l : 0.0F;
      count[x] += l > q.theta ? 1.0F : 0.0F;
    }
  }
}

static void foldMax(const LerpRows& q) {
  const F w = splat(q.weight);
  for (std::int64_t r = 0; r < q.rows; ++r) {
    const float f = q.fractions[r];
    const F fv = splat(f);
    float* sum = q.sum + r * q.stride;
    std::int64_t x = 0;
    for (; x + kF <= q.columns; x += kF) {
      const F l = w * lerpV(load(q.upper + x), load(q.lower + x), fv);
      const F s = load(sum + x);
      store(sum + x, l > s ? l : s);
    }
    for (; x < q.columns; ++x) {
      const float l = q.weight * lerp(q.upper[x], q.lower[x], f);
      sum[x] = l > sum[x] ? l : sum[x];
    }
  }
}

static void foldSum(const LerpRows& q) {
  const F w = splat(q.weight);
  for (std::int64_t r = 0; r < q.rows; ++r) {
    const float f = q.fractions[r];
    const F fv = splat(f);
    float* sum = q.sum + r * q.stride;
    std::int64_t x = 0;
    for (; x + kF <= q.columns; x += kF) {
      store(sum + x, load(sum + x) + w * lerpV(load(q.upper + x), load(q.lower + x), fv));
    }
    for (; x < q.columns; ++x) sum[x] += q.weight * lerp(q.upper[x], q.lower[x], f);
  }
}

static void finishMean(const float* sum, const float* count, std::int64_t n, float* out) {
  std::int64_t x = 0;
  for (; x + kF <= n; x += kF) {
    const F k = load(count + x);
    const F mean = load(sum + x) / k;
    store(out + x, k > F{} ? mean : F{});
  }
  for (; x < n; ++x) out[x] = count[x] > 0.0F ? sum[x] / count[x] : 0.0F;
}
