// Memory of large tensors: kept for the next one of about the size, and never more than was used.
#include "engine/host_blocks.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

namespace bptplr {
namespace {

constexpr std::size_t kMiB = 1U << 20;

class HostBlocks : public testing::Test {
 protected:
  HostBlocks() {
    keep_blocks();
    release_blocks();
  }
  ~HostBlocks() override { release_blocks(); }
};

TEST_F(HostBlocks, AreWritableAndAligned) {
  for (const std::size_t bytes : {kLeastBlock, 3 * kMiB + 1, 64 * kMiB}) {
    void* block = take_block(bytes);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 64, 0U);
    std::memset(block, 1, bytes);
    return_block(block);
  }
}

TEST_F(HostBlocks, AreTakenAgainForAboutTheirSize) {
  void* first = take_block(8 * kMiB);
  return_block(first);
  EXPECT_EQ(take_block(7 * kMiB), first);
  void* second = take_block(8 * kMiB);  // the first is in use
  EXPECT_NE(second, first);
  return_block(first);
  void* small = take_block(2 * kMiB);  // too small to have 8 MiB for it
  EXPECT_NE(small, first);
  return_block(second);
  return_block(small);
}

TEST_F(HostBlocks, AScopeThatEndsLeavesThemToTheProgram) {
  void* block = nullptr;
  {
    const KeptBlocks kept;
    block = take_block(3 * kMiB);
    return_block(block);
  }
  EXPECT_EQ(take_block(3 * kMiB), block) << "this program keeps them on its own";
  return_block(block);
}

TEST_F(HostBlocks, AbsurdSizesGiveNull) {
  EXPECT_EQ(take_block(std::size_t{1} << 60), nullptr);
}

TEST_F(HostBlocks, OfDifferentSizesDoNotPileUp) {
  // Each is used alone, so that little more than the largest may be held.
  for (std::size_t size = 16; size <= 48; size += 1) {
    void* block = take_block(size * kMiB);
    std::memset(block, 1, size * kMiB);
    return_block(block);
    EXPECT_LE(held_blocks(), (size + size / 2 + 1) * kMiB);
  }
}

}  // namespace
}  // namespace bptplr
