#pragma once

/** Marks a definition that the CPU ops and the CUDA kernels share. */
#if defined(__CUDACC__)
#define SESS_HD __host__ __device__
#else
#define SESS_HD
#endif
