// A warm fast engine takes no memory: a simulation of millions of flows would spend its time there.
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "base/random.h"
#include "engine/engine.h"

namespace {

std::size_t allocation_count = 0;

}  // namespace

// These replace the allocation of the whole test program. Not inlined: g++ 12 would take the malloc
// in one and the free in the other for a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocation_count;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace planewise::engine {
namespace {

/// Sends flows between random pairs of GPUs, 112 at a time; one in four pauses before the next.
class Traffic {
 public:
  Traffic()
      : engine_(make_fast_engine(std::vector<Rate>(2 * kGpus, gigabytes_per_second(50)),
                                 {.on_flow = [this](FlowId id) { end(id); },
                                  .on_timer = [this](TimerId) { start(); }})) {}

  void run() {
    random_ = Random(1);
    next_ = 0;
    for (int i = 0; i < 112; ++i) start();
    EXPECT_TRUE(engine_->run());
  }

 private:
  static constexpr LinkId kGpus = 16;
  static constexpr FlowId kFlows = 20'000;

  void start() {
    if (next_ == kFlows) return;
    const std::array<LinkId, 2> path = {static_cast<LinkId>(random_.integer(0, kGpus - 1)),
                                        static_cast<LinkId>(random_.integer(kGpus, 2 * kGpus - 1))};
    engine_->start_flow(
        {.id = mix_bits(next_++), .path = path, .size = bytes(1e6 * random_.uniform())});
  }
  void end(FlowId id) {
    if (id % 4 == 0) {
      engine_->at(engine_->now() + microseconds(1), id);
    } else {
      start();
    }
  }

  std::unique_ptr<Engine> engine_;
  Random random_{1};
  FlowId next_ = 0;
};

TEST(Allocation, NoneOnceWarm) {
  Traffic traffic;
  // Several times, as what a link's heap of ends holds depends on when it was last compacted.
  for (int i = 0; i < 4; ++i) traffic.run();
  const std::size_t before = allocation_count;
  EXPECT_GT(before, 0u);
  traffic.run();
  EXPECT_EQ(allocation_count, before);
}

}  // namespace
}  // namespace planewise::engine
