#pragma once

/** Marks a definition that the CPU ops and the CUDA kernels share; the second kind is inlined into vector loops. */
#if defined(__CUDACC__)
#define SESS_HD __host__ __device__
#define SESS_HD_INLINE __host__ __device__ __forceinline__
#else
#define SESS_HD
#define SESS_HD_INLINE inline __attribute__((always_inline))
#endif

/** A loop whose counter indexes registers. */
#if defined(__CUDA_ARCH__)
#define SESS_UNROLL _Pragma("unroll")
#else
#define SESS_UNROLL
#endif
