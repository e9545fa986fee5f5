// The vector type of this instruction set. Loads and stores need no alignment; scalar tails repeat the same operations.

#define SESS_INLINE static inline __attribute__((always_inline))

typedef float F __attribute__((vector_size(SESS_VECTOR_BYTES)));
typedef std::int32_t I __attribute__((vector_size(SESS_VECTOR_BYTES)));
typedef std::uint32_t U __attribute__((vector_size(SESS_VECTOR_BYTES)));
typedef double D __attribute__((vector_size(SESS_VECTOR_BYTES)));
typedef float F4 __attribute__((vector_size(16)));

static constexpr std::int64_t kF = SESS_VECTOR_BYTES / 4;  // floats in F
static constexpr std::int64_t kD = SESS_VECTOR_BYTES / 8;
typedef std::uint8_t B __attribute__((vector_size(SESS_VECTOR_BYTES / 4)));  // the bytes behind an F
typedef float H __attribute__((vector_size(SESS_VECTOR_BYTES / 2)));         // the floats behind a D

SESS_INLINE F load(const float* p) {
  F v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
SESS_INLINE I loadInt(const std::int32_t* p) {
  I v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
SESS_INLINE F4 load4(const float* p) {
  F4 v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
SESS_INLINE void store(float* p, F v) { __builtin_memcpy(p, &v, sizeof v); }
SESS_INLINE void storeInt(std::int32_t* p, I v) { __builtin_memcpy(p, &v, sizeof v); }
SESS_INLINE void store4(float* p, F4 v) { __builtin_memcpy(p, &v, sizeof v); }

SESS_INLINE F splat(float s) { return s - F{}; }
/** Intrinsics where there are any: GCC 12 converts a vector of bytes one by one. */
SESS_INLINE F fromBytes(const std::uint8_t* p) {
#if SESS_X86 && SESS_VECTOR_BYTES == 64
  // With a mask of all lanes: the plain form reads an uninitialised value on purpose, and GCC warns.
  return __builtin_convertvector((I)_mm512_maskz_cvtepu8_epi32(0xFFFF, _mm_loadu_si128((const __m128i*)p)), F);
#elif SESS_X86 && SESS_VECTOR_BYTES == 32
  return __builtin_convertvector((I)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)p)), F);
#elif SESS_X86
  std::int32_t four;
  __builtin_memcpy(&four, p, sizeof four);
  const __m128i zero = _mm_setzero_si128(), words = _mm_unpacklo_epi8(_mm_cvtsi32_si128(four), zero);
  return __builtin_convertvector((I)_mm_unpacklo_epi16(words, zero), F);
#else
  B b;
  __builtin_memcpy(&b, p, sizeof b);
  return __builtin_convertvector(__builtin_convertvector(b, I), F);
#endif
}
/** Truncates; every value lies in [0, 256). */
SESS_INLINE void toBytes(std::uint8_t* p, F v) {
  const I i = __builtin_convertvector(v, I);
#if SESS_X86 && SESS_VECTOR_BYTES == 64
  _mm_storeu_si128((__m128i*)p, _mm512_maskz_cvtepi32_epi8(0xFFFF, (__m512i)i));
#elif SESS_X86 && SESS_VECTOR_BYTES == 32
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128((__m256i)i), _mm256_extracti128_si256((__m256i)i, 1));
  _mm_storel_epi64((__m128i*)p, _mm_packus_epi16(words, words));
#elif SESS_X86
  const __m128i words = _mm_packs_epi32((__m128i)i, (__m128i)i);
  const std::int32_t four = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
  __builtin_memcpy(p, &four, sizeof four);
#else
  const B b = __builtin_convertvector(i, B);
  __builtin_memcpy(p, &b, sizeof b);
#endif
}
SESS_INLINE D fromFloats(const float* p) {
  H h;
  __builtin_memcpy(&h, p, sizeof h);
  return __builtin_convertvector(h, D);
}

SESS_INLINE F lerpV(F a, F b, F f) { return a + f * (b - a); }

#if defined(__clang__) || __GNUC__ >= 12
#define SESS_SHUFFLE4(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
typedef std::int32_t I4 __attribute__((vector_size(16)));
#define SESS_SHUFFLE4(a, b, i, j, k, l) __builtin_shuffle(a, b, I4{i, j, k, l})
#endif

/** 4 x 4 transpose of rows at p, p + stride, ... */
SESS_INLINE void transpose4(const float* p, std::int64_t stride, F4* a, F4* b, F4* c, F4* d) {
  const F4 r0 = load4(p), r1 = load4(p + stride), r2 = load4(p + 2 * stride), r3 = load4(p + 3 * stride);
  const F4 lo01 = SESS_SHUFFLE4(r0, r1, 0, 4, 1, 5), hi01 = SESS_SHUFFLE4(r0, r1, 2, 6, 3, 7);
  const F4 lo23 = SESS_SHUFFLE4(r2, r3, 0, 4, 1, 5), hi23 = SESS_SHUFFLE4(r2, r3, 2, 6, 3, 7);
  *a = SESS_SHUFFLE4(lo01, lo23, 0, 1, 4, 5);
  *b = SESS_SHUFFLE4(lo01, lo23, 2, 3, 6, 7);
  *c = SESS_SHUFFLE4(hi01, hi23, 0, 1, 4, 5);
  *d = SESS_SHUFFLE4(hi01, hi23, 2, 3, 6, 7);
}
