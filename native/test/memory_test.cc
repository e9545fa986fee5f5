// The blocks that tensors are made of, on the processor.
#include "addon/memory.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace sess::test {
namespace {

TEST(Blocks, OneThatWasGivenBackIsTakenAgain) {
  addon::Blocks blocks{addon::Place{}};
  addon::Block block = blocks.take(1000);
  const void* const memory = block.get();
  blocks.give(std::move(block), 1000);
  EXPECT_EQ(blocks.keptBytes(), 1000U);
  EXPECT_EQ(blocks.take(1000).get(), memory);
  EXPECT_EQ(blocks.keptBytes(), 0U);
}

TEST(Blocks, NothingIsKeptAfterATrim) {
  addon::Blocks blocks{addon::Place{}};
  blocks.give(blocks.take(1000), 1000);
  blocks.trim();
  EXPECT_EQ(blocks.keptBytes(), 0U);
}

TEST(Blocks, WantOfMemoryTrimsWhatIsKept) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer stops the program where so much is asked for";
#endif
  addon::Blocks blocks{addon::Place{}};
  blocks.give(blocks.take(1000), 1000);
  try {
    (void)blocks.take(std::size_t{1} << 55);
    FAIL() << "32 PiB were allocated";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::outOfMemory);
  }
  EXPECT_EQ(blocks.keptBytes(), 0U);
}

}  // namespace
}  // namespace sess::test
