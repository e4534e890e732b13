// The program's own operator new: a process's resident size would also show what other benchmarks
// have left behind.
#include "bench/memory.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::int64_t> held_bytes = 0;
std::atomic<std::int64_t> most_bytes = 0;

void* allocate(std::size_t size) {
  void* block = std::malloc(size);
  if (block == nullptr) throw std::bad_alloc();
  held_bytes += static_cast<std::int64_t>(malloc_usable_size(block));
  most_bytes = std::max(most_bytes.load(), held_bytes.load());
  return block;
}

void release(void* block) {
  if (block == nullptr) return;
  held_bytes -= static_cast<std::int64_t>(malloc_usable_size(block));
  std::free(block);
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* block) noexcept { release(block); }
void operator delete[](void* block) noexcept { release(block); }
void operator delete(void* block, std::size_t) noexcept { release(block); }
void operator delete[](void* block, std::size_t) noexcept { release(block); }

namespace planewise::bench {

std::int64_t peak_bytes(const std::function<void()>& work) {
  const std::int64_t before = held_bytes;
  most_bytes = before;
  work();
  return most_bytes - before;
}

}  // namespace planewise::bench
