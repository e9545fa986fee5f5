// Normal noise. The loop over lanes is plain code over core/normal.h, whose operations the compiler turns into vectors.

static void normalBlock(const NormalStream& stream, std::uint32_t block, float* out) {
  for (std::uint32_t lane = 0; lane < kNormalLanes; ++lane) {
    const NormalFour four = normalFour(stream, block, lane);
    out[lane] = four.at[0];
    out[lane + kNormalLanes] = four.at[1];
    out[lane + 2 * kNormalLanes] = four.at[2];
    out[lane + 3 * kNormalLanes] = four.at[3];
  }
}

static void addNoise(const float* in, const NormalStream& stream, float sigma, std::int64_t first, std::int64_t n,
                     float* out) {
  alignas(64) float noise[kNormalBlock];
  for (std::int64_t x = 0; x < n; x += kNormalBlock) {
    normalBlock(stream, static_cast<std::uint32_t>((first + x) / kNormalBlock), noise);
    const std::int64_t many = n - x < kNormalBlock ? n - x : kNormalBlock;
    for (std::int64_t i = 0; i < many; ++i) out[x + i] = in[x + i] + sigma * noise[i];
  }
}
