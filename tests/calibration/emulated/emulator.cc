#include "emulator.h"

#include <ucontext.h>

#include <memory>
#include <vector>

#include "base/check.h"

namespace planewise::emulated {
namespace {

constexpr std::size_t kStack = 64 * 1024;
constexpr int kWarp = 32;

struct Barrier {
  int living = 0;
  int waiting = 0;
  int generation = 0;

  /// Everybody is here.
  void open() {
    waiting = 0;
    ++generation;
  }
};

struct Fiber {
  ucontext_t context{};
  std::unique_ptr<char[]> stack = std::make_unique<char[]>(kStack);
  uint3 index{};
  int number = 0;
  bool is_done = false;
};

struct Block {
  ucontext_t scheduler{};
  std::vector<Fiber> fibers{};
  Fiber* running = nullptr;
  Barrier all{};
  std::vector<Barrier> warps{};
  std::vector<std::uint64_t> slots{};  ///< What lanes give each other.
  int moves = 0;                       ///< Of fibers since the scheduler came round.
  const std::function<void()>* body = nullptr;
};

Block* g_block = nullptr;  // of the one thread that runs kernels
uint3 g_block_index{};
dim3 g_block_size{};
dim3 g_grid_size{};

void yield() { swapcontext(&g_block->running->context, &g_block->scheduler); }

Barrier& warp_barrier() {
  return g_block->warps[static_cast<std::size_t>(g_block->running->number / kWarp)];
}

void wait_at(Barrier& barrier) {
  ++g_block->moves;
  if (++barrier.waiting == barrier.living) {
    barrier.open();
    return;
  }
  const int generation = barrier.generation;
  while (barrier.generation == generation) yield();
  ++g_block->moves;
}

void leave(Barrier& barrier) {
  --barrier.living;
  if (barrier.living > 0 && barrier.waiting == barrier.living) barrier.open();
}

void run_fiber() {
  (*g_block->body)();
  g_block->running->is_done = true;
  ++g_block->moves;
  leave(g_block->all);
  leave(warp_barrier());
  yield();
}

void start(Fiber& fiber, int number) {
  fiber.number = number;
  const auto n = static_cast<unsigned>(number);
  fiber.index = {n % g_block_size.x, n / g_block_size.x % g_block_size.y,
                 n / g_block_size.x / g_block_size.y};
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = fiber.stack.get();
  fiber.context.uc_stack.ss_size = kStack;
  fiber.context.uc_link = nullptr;
  makecontext(&fiber.context, run_fiber, 0);
  fiber.is_done = false;
}

/// Lets every fiber run in turn until all are done.
void run_block(Block& block) {
  const int threads = static_cast<int>(block.fibers.size());
  block.all = {.living = threads};
  block.warps.assign(static_cast<std::size_t>((threads + kWarp - 1) / kWarp), Barrier{});
  for (int i = 0; i < threads; ++i) {
    start(block.fibers[static_cast<std::size_t>(i)], i);
    ++block.warps[static_cast<std::size_t>(i / kWarp)].living;
  }
  while (block.all.living > 0) {
    block.moves = 0;
    for (Fiber& fiber : block.fibers) {
      if (fiber.is_done) continue;
      block.running = &fiber;
      swapcontext(&block.scheduler, &fiber.context);
    }
    PW_CHECK(block.moves > 0);  // else all wait for what never comes
  }
}

}  // namespace

void launch(dim3 grid, dim3 block_size, const std::function<void()>& body) {
  PW_CHECK(g_block == nullptr);
  Block block{.fibers = std::vector<Fiber>(block_size.x * block_size.y * block_size.z),
              .body = &body};
  block.slots.resize(block.fibers.size() + kWarp);
  g_block = &block;
  g_block_size = block_size;
  g_grid_size = grid;
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        g_block_index = {x, y, z};
        run_block(block);
      }
    }
  }
  g_block = nullptr;
}

const uint3& thread_index() { return g_block->running->index; }
const uint3& block_index() { return g_block_index; }
const dim3& block_size() { return g_block_size; }
const dim3& grid_size() { return g_grid_size; }

void wait_for_block() { wait_at(g_block->all); }
void wait_for_warp() { wait_at(warp_barrier()); }

int lane_index() { return g_block->running->number % kWarp; }

std::uint64_t exchange(std::uint64_t bits, int lane) {
  const int number = g_block->running->number;
  const int first = number / kWarp * kWarp;
  g_block->slots[static_cast<std::size_t>(number)] = bits;
  wait_for_warp();
  const std::uint64_t given = g_block->slots[static_cast<std::size_t>(first + lane)];
  wait_for_warp();  // before the next value is written
  return given;
}

unsigned ballot(bool vote) {
  unsigned votes = 0;
  const int number = g_block->running->number;
  const int first = number / kWarp * kWarp;
  g_block->slots[static_cast<std::size_t>(number)] = vote ? 1 : 0;
  wait_for_warp();
  const int end = std::min(first + kWarp, static_cast<int>(g_block->fibers.size()));
  for (int other = first; other < end; ++other) {
    votes |= static_cast<unsigned>(g_block->slots[static_cast<std::size_t>(other)])
             << (other - first);
  }
  wait_for_warp();
  return votes;
}

}  // namespace planewise::emulated
