/* Stands in for libcublas.so and libcublasLt.so: handles, and an algorithm for every product. */
#include <string.h>

static char opened;

int cublasCreate_v2(void** handle) {
  *handle = &opened;
  return 0;
}
int cublasLtCreate(void** handle) {
  *handle = &opened;
  return 0;
}
int cublasGetMathMode(void* handle, int* mode) {
  (void)handle;
  *mode = 0;
  return 0;
}
const char* cublasGetStatusString(int status) { return status == 0 ? "success" : "stand-in"; }
const char* cublasGetStatusName(int status) { return cublasGetStatusString(status); }
int cublasLtMatmulAlgoGetHeuristic(void* handle, void* desc, void* a, void* b, void* c, void* d, void* preference,
                                   int asked, void* results, int* found) {
  (void)handle, (void)desc, (void)a, (void)b, (void)c, (void)d, (void)preference;
  *found = asked > 0;
  if (asked > 0) memset(results, 0, 96); /* cublasLtMatmulHeuristicResult_t: no workspace, success */
  return 0;
}
