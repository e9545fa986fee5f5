/* Stands in for libcudnn.so.9: handles, and for every graph one plan that needs no workspace. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static char opened;

size_t cudnnGetVersion(void) { return 91400; }
const char* cudnnGetErrorString(int status) { return status == 0 ? "success" : "stand-in"; }
void cudnnGetLastErrorString(char* message, size_t room) {
  if (room > 0) message[0] = 0;
}

int cudnnCreate(void** handle) {
  *handle = &opened;
  return 0;
}
int cudnnGetStream(void* handle, void** stream) {
  (void)handle;
  *stream = NULL;
  return 0;
}
int cudnnBackendCreateDescriptor(int type, void** descriptor) {
  (void)type;
  *descriptor = &opened;
  return 0;
}

enum { kInt64 = 3, kDescriptor = 15 };

int cudnnBackendGetAttribute(void* descriptor, int name, int type, int64_t room, int64_t* count, void* values) {
  (void)descriptor, (void)name;
  const int64_t there = type == kInt64 || type == kDescriptor;
  if (count != NULL) *count = there;
  if (values != NULL && room > 0 && type != kDescriptor) memset(values, 0, type == kInt64 ? 8 : 4);
  return 0;
}
int cudnnGetReductionIndicesSize(void* h, void* r, void* a, void* b, size_t* bytes) {
  (void)h, (void)r, (void)a, (void)b;
  *bytes = 0;
  return 0;
}
int cudnnGetReductionWorkspaceSize(void* h, void* r, void* a, void* b, size_t* bytes) {
  return cudnnGetReductionIndicesSize(h, r, a, b, bytes);
}
int cudnnGetConvolutionForwardWorkspaceSize(void* h, void* x, void* w, void* c, void* y, int algorithm, size_t* bytes) {
  (void)algorithm, (void)c;
  return cudnnGetReductionIndicesSize(h, x, w, y, bytes);
}
