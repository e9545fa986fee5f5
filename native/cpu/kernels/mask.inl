// Images under masks.

static void maskRun(const float* image, const float* mask, std::int64_t n, float* out) {
  std::int64_t x = 0;
  for (; x + kF <= n; x += kF) store(out + x, load(image + x) * load(mask + x));
  for (; x < n; ++x) out[x] = image[x] * mask[x];
}

static void mixRun(const float* image, const float* background, const float* mask, std::int64_t n, float* out) {
  const F one = splat(1.0F);
  std::int64_t x = 0;
  for (; x + kF <= n; x += kF) {
    const F m = load(mask + x);
    store(out + x, load(image + x) * m + load(background + x) * (one - m));
  }
  for (; x < n; ++x) out[x] = mixed(image[x], background[x], mask[x]);
}
