#include "emulator.h"

#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
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

/// Begun once by makecontext() and then left and entered by _longjmp(), which needs no system call.
/// It runs body after body, whichever launch they are of.
struct Fiber {
  ucontext_t context{};
  jmp_buf place{};
  std::unique_ptr<char[]> stack{};
  uint3 index{};
  int number = 0;
  bool is_begun = false;
  bool is_done = false;
};

struct Block {
  jmp_buf scheduler{};
  std::vector<Fiber*> fibers{};
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

void yield() {
  if (_setjmp(g_block->running->place) == 0) _longjmp(g_block->scheduler, 1);
}

Barrier& warp_barrier() {
  return g_block->warps[static_cast<std::size_t>(g_block->running->number / kWarp)];
}

/// Thrown by a thread that runs without a fiber and would have to wait.
struct NeedsFibers {};

bool g_has_fibers = false;

void wait_at(Barrier& barrier) {
  if (!g_has_fibers) throw NeedsFibers{};
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

[[noreturn]] void run_fiber() {
  while (true) {
    (*g_block->body)();
    g_block->running->is_done = true;
    ++g_block->moves;
    leave(g_block->all);
    leave(warp_barrier());
    yield();
  }
}

/// Goes on with the fiber until it waits or is done.
void resume(Fiber& fiber) {
  g_block->running = &fiber;
  if (_setjmp(g_block->scheduler) != 0) return;
  if (fiber.is_begun) _longjmp(fiber.place, 1);
  fiber.is_begun = true;
  fiber.stack = std::make_unique<char[]>(kStack);
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = fiber.stack.get();
  fiber.context.uc_stack.ss_size = kStack;
  fiber.context.uc_link = nullptr;
  makecontext(&fiber.context, run_fiber, 0);
  setcontext(&fiber.context);
}

uint3 index_of(int number) {
  const auto n = static_cast<unsigned>(number);
  return {n % g_block_size.x, n / g_block_size.x % g_block_size.y,
          n / g_block_size.x / g_block_size.y};
}

/// Lets every fiber run in turn until all are done.
void run_block(Block& block) {
  const int threads = static_cast<int>(block.fibers.size());
  block.all = {.living = threads};
  block.warps.assign(static_cast<std::size_t>((threads + kWarp - 1) / kWarp), Barrier{});
  for (int i = 0; i < threads; ++i) {
    Fiber& fiber = *block.fibers[static_cast<std::size_t>(i)];
    fiber.number = i;
    fiber.index = index_of(i);
    fiber.is_done = false;
    ++block.warps[static_cast<std::size_t>(i / kWarp)].living;
  }
  while (block.all.living > 0) {
    block.moves = 0;
    for (Fiber* fiber : block.fibers) {
      if (!fiber->is_done) resume(*fiber);
    }
    PW_CHECK(block.moves > 0);  // else all wait for what never comes
  }
}

}  // namespace

namespace {

/// Runs the threads of a block one after the other; false if one of them had to wait.
bool run_without_fibers(Block& block) {
  try {
    block.running = block.fibers.front();
    for (int i = 0; i < static_cast<int>(block.fibers.size()); ++i) {
      block.running->number = i;
      block.running->index = index_of(i);
      (*block.body)();
    }
    return true;
  } catch (const NeedsFibers&) {
    return false;
  }
}

void run_grid(dim3 grid, dim3 block_size, const std::function<void()>& body) {
  PW_CHECK(g_block == nullptr);
  static std::vector<std::unique_ptr<Fiber>> pool;
  const std::size_t threads = block_size.x * block_size.y * block_size.z;
  while (pool.size() < threads) pool.push_back(std::make_unique<Fiber>());
  Block block{.body = &body};
  for (std::size_t i = 0; i < threads; ++i) block.fibers.push_back(pool[i].get());
  block.slots.resize(block.fibers.size() + kWarp);
  g_block = &block;
  g_block_size = block_size;
  g_grid_size = grid;
  g_has_fibers = false;
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        g_block_index = {x, y, z};
        if (!g_has_fibers && run_without_fibers(block)) continue;
        g_has_fibers = true;
        run_block(block);
      }
    }
  }
  g_block = nullptr;
}

}  // namespace

void launch(dim3 grid, dim3 block_size, std::function<void()> body) {
  submit([=] { run_grid(grid, block_size, body); });
}

const uint3& thread_index() { return g_block->running->index; }
const uint3& block_index() { return g_block_index; }
const dim3& block_size() { return g_block_size; }
const dim3& grid_size() { return g_grid_size; }

void wait_for_block() { wait_at(g_block->all); }
void wait_for_warp() { wait_at(warp_barrier()); }

int lane_index() { return g_block->running->number % kWarp; }

std::uint64_t exchange(std::uint64_t bits, int lane) {
  if (!g_has_fibers) throw NeedsFibers{};
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
