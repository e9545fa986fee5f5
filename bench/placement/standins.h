// What the stand-in of libcudart.so counts.
#pragma once

#include <cstddef>

extern "C" {

struct sess_standin_counts {
  long launches, waits, allocations;
};
/** `kind`: a cudaMemcpyKind; 1 to the device, 2 from it, 3 within. */
struct sess_standin_copy {
  int kind;
  std::size_t bytes;
};

/** Since the last call. */
sess_standin_counts sess_standin_take_counts();
/** How many copies were made since the last call; the first `room` of them are written. */
std::size_t sess_standin_take_copies(sess_standin_copy* into, std::size_t room);
}
