// Colour index and opacity of map values.

static void shade(const float* map, std::int64_t n, float low, float range, float alpha, bool byValue,
                  std::int32_t* index, float* opacity) {
  std::int64_t x = 0;
  for (; x + kF <= n; x += kF) {
    F t = (load(map + x) - low) / range;
    t = t > 0.0F ? t : F{};  // NaN becomes 0
    t = t < 1.0F ? t : splat(1.0F);
    storeInt(index + x, __builtin_convertvector(t * 255.0F + 0.5F, I));
    store(opacity + x, byValue ? alpha * t : splat(alpha));
  }
  for (; x < n; ++x) {
    float t = (map[x] - low) / range;
    t = t > 0.0F ? t : 0.0F;
    t = t < 1.0F ? t : 1.0F;
    index[x] = static_cast<std::int32_t>(t * 255.0F + 0.5F);
    opacity[x] = byValue ? alpha * t : alpha;
  }
}
