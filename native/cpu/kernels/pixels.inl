// Photo pixels: colours over them, and them over white. Four bytes are stored for a pixel of three where the next
// pixel's store repairs the fourth; the last pixel of a run gets three.

static void tint(const TintRun& q) {
  constexpr std::int64_t kSide = 3 * kTintRun + 4;
  alignas(64) std::int32_t color[kTintRun];
  alignas(64) float opacity[kTintRun], over[kSide], share[kSide];
  const std::int64_t n = q.pixels;
  std::int64_t x = 0;
  for (; x + kF <= n; x += kF) {
    F t = (load(q.map + x) - q.low) / q.range;
    t = t > 0.0F ? t : F{};  // NaN becomes 0
    t = t < 1.0F ? t : splat(1.0F);
    storeInt(color + x, __builtin_convertvector(t * 255.0F + 0.5F, I));
    store(opacity + x, q.alpha * t);
  }
  for (; x < n; ++x) {
    float t = (q.map[x] - q.low) / q.range;
    t = t > 0.0F ? t : 0.0F;
    t = t < 1.0F ? t : 1.0F;
    color[x] = static_cast<std::int32_t>(t * 255.0F + 0.5F);
    opacity[x] = q.alpha * t;
  }
  for (x = 0; x < n; ++x) store4(over + 3 * x, load4(q.colors + 4 * color[x]));
  if (q.byValue) {
    for (x = 0; x < n; ++x) store4(share + 3 * x, opacity[x] - F4{});
  } else {
    for (x = 0; x < 3 * n; ++x) share[x] = q.alpha;
  }
  for (x = 0; x + kF <= 3 * n; x += kF) {
    const F v = fromBytes(q.photo + x);
    toBytes(q.out + x, v + load(share + x) * (load(over + x) - v) + 0.5F);
  }
  for (; x < 3 * n; ++x) {
    const auto v = static_cast<float>(q.photo[x]);
    q.out[x] = static_cast<std::uint8_t>(v + share[x] * (over[x] - v) + 0.5F);
  }
}

/** (v * a + 255 * (255 - a) + 127) div 255 of one channel of each pixel; the product of the division fits 31 bits. */
SESS_INLINE U overWhite(U v, U a) {
  const U x = v * a + (255U * 255U + 127U) - 255U * a;
  return (x * 0x8081U) >> 23;
}

static void overWhiteRun(const std::uint8_t* rgba, std::int64_t pixels, std::uint8_t* rgb) {
  std::int64_t i = 0;
  for (; i + kF < pixels; i += kF) {  // one pixel at least is left, so the fourth byte never lands outside
    U p;
    __builtin_memcpy(&p, rgba + 4 * i, sizeof p);
    const U a = p >> 24;
    const U packed = overWhite(p & 255U, a) | overWhite((p >> 8) & 255U, a) << 8 | overWhite((p >> 16) & 255U, a) << 16;
    std::uint32_t each[kF];
    __builtin_memcpy(each, &packed, sizeof each);
    for (int k = 0; k < kF; ++k) __builtin_memcpy(rgb + 3 * (i + k), each + k, 4);
  }
  for (; i < pixels; ++i) {
    const std::uint32_t a = rgba[4 * i + 3];
    for (int c = 0; c < 3; ++c) {
      rgb[3 * i + c] = static_cast<std::uint8_t>((rgba[4 * i + c] * a + 255U * (255U - a) + 127U) / 255U);
    }
  }
}
