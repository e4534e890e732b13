// What calibration/cuda/hopper.cuh does, on the processor. Addresses in shared memory count from a
// multiple of 1,024, as the 128-byte swizzle needs: it turns bits 4 to 6 of an address by bits 7 to
// 9, when a copy writes and when a product reads (PTX ISA, "Swizzling modes").
#pragma once

#include <cuda.h>

#include <map>

#include "calibration/cuda/grouped_layout.h"
#include "calibration/host/e4m3.h"
#include "emulator.h"

namespace planewise::calibration {

using Barrier = std::uint64_t;

namespace emulated_hopper {

inline std::uintptr_t base = 0;

struct State {
  int arrivals = 0;
  int pending = 0;
  int bytes = 0;
  unsigned phase = 0;

  void close_if_done() {
    emulated::progress();
    if (pending > 0 || bytes > 0) return;
    phase ^= 1U;
    pending = arrivals;
  }
};
inline std::map<const Barrier*, State> barriers;

inline std::uintptr_t turned(std::uintptr_t address) { return address ^ (address >> 3 & 0x70); }

/// What a box reads; fake_runtime.cc's make_tensor_map() writes it.
struct Map {
  const std::uint8_t* matrix = nullptr;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
};

inline const float* values() {
  static const std::vector<float> table = [] {
    std::vector<float> all;
    for (int code = 0; code < 256; ++code) {
      all.push_back(host::from_e4m3(static_cast<std::uint8_t>(code)));
    }
    return all;
  }();
  return table.data();
}

/// Byte `k` of row `row` of the operand that the descriptor describes.
inline float element(std::uint64_t descriptor, int row, int k) {
  const std::uintptr_t start = (descriptor & 0x3FFF) << 4;
  const std::uintptr_t stride = (descriptor >> 32 & 0x3FFF) << 4;
  const std::uintptr_t address = start + static_cast<std::uintptr_t>(row / 8) * stride +
                                 static_cast<std::uintptr_t>(row % 8) * 128 +
                                 static_cast<std::uintptr_t>(k);
  const bool is_turned = descriptor >> 62 == 1;
  const auto* at =
      reinterpret_cast<const std::uint8_t*>(base + (is_turned ? turned(address) : address));
  return values()[*at];
}

}  // namespace emulated_hopper

inline std::uint32_t shared_offset(const void* pointer) {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  if (emulated_hopper::base == 0) emulated_hopper::base = address & ~std::uintptr_t{1023};
  return static_cast<std::uint32_t>(address - emulated_hopper::base);
}

inline void begin_barrier(Barrier* barrier, int arrivals) {
  emulated_hopper::barriers[barrier] = {.arrivals = arrivals, .pending = arrivals};
}
inline void publish_barriers() {}
inline void arrive(Barrier* barrier) {
  emulated_hopper::State& state = emulated_hopper::barriers.at(barrier);
  --state.pending;
  state.close_if_done();
}
inline void arrive_expecting(Barrier* barrier, int bytes) {
  emulated_hopper::barriers.at(barrier).bytes += bytes;
  arrive(barrier);
}
inline void wait_for(Barrier* barrier, unsigned parity) {
  while (emulated_hopper::barriers.at(barrier).phase == parity) emulated::pause();
  emulated::progress();
}

inline void copy_box(void* to, const CUtensorMap* map, Barrier* barrier, int column, int row) {
  emulated_hopper::Map from;
  std::memcpy(static_cast<void*>(&from), map, sizeof from);
  const std::uintptr_t start = shared_offset(to);
  for (int r = 0; r < kGroupedTile; ++r) {
    for (int byte = 0; byte < kGroupedDepth; ++byte) {
      const bool is_there = row + r < from.rows && column + byte < from.columns;
      const std::uintptr_t address = start + static_cast<std::uintptr_t>(r * kGroupedDepth + byte);
      *reinterpret_cast<std::uint8_t*>(emulated_hopper::base + emulated_hopper::turned(address)) =
          is_there ? from.matrix[(row + r) * from.columns + column + byte] : 0;
    }
  }
  emulated_hopper::State& state = emulated_hopper::barriers.at(barrier);
  state.bytes -= kGroupedOperandBytes;
  state.close_if_done();
}

inline void give_registers() {}
inline void take_registers() {}
inline void begin_products() {}
/// All warps of the warpgroup multiply before one of them says that it has read the stage.
inline void end_products(float (&)[kSums]) {}

inline void multiply(float (&d)[kSums], std::uint64_t a, std::uint64_t b, bool is_first) {
  const int thread = static_cast<int>(threadIdx.x) % 128;
  const int rows[2] = {thread / 32 * 16 + thread % 32 / 4, thread / 32 * 16 + thread % 32 / 4 + 8};
  float left[2][kMmaDepth];
  for (int half = 0; half < 2; ++half) {
    for (int k = 0; k < kMmaDepth; ++k) {
      left[half][k] = emulated_hopper::element(a, rows[half], k);
    }
  }
  for (int i = 0; i < kSums; ++i) {
    // PTX ISA, figure "WGMMA .m64nNk32 register fragment layout for accumulator matrix D".
    const int column = i / 4 * 8 + thread % 4 * 2 + i % 2;
    float sum = is_first ? 0 : d[i];
    for (int k = 0; k < kMmaDepth; ++k) {
      sum += left[i / 2 % 2][k] * emulated_hopper::element(b, column, k);
    }
    d[i] = sum;
  }
}

}  // namespace planewise::calibration
