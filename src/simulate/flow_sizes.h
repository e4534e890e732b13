// What flows send: as they are in the system, or a size drawn anew at every start.
#pragma once

#include <cstdint>
#include <vector>

#include "base/units.h"
#include "simulate/system.h"

namespace planewise::simulate {

class FlowSizes {
 public:
  explicit FlowSizes(const System& system)
      : system_(system), drawn_(system.program->size_spread > 0 ? system.flows.size() : 0) {}

  /// The size of a start of `flow`, of `transfer`, that has started `before` times. Counts it.
  Bytes start(int flow, int transfer, std::int64_t before);
  /// Of the last start.
  Bytes last(int flow) const;
  /// Of all starts, of which there were `count`.
  Bytes total(int flow, std::int64_t count) const;

 private:
  struct Drawn {
    Bytes total{};
    Bytes last{};
  };

  const System& system_;
  std::vector<Drawn> drawn_;  // By flow; empty unless sizes are drawn.
};

}  // namespace planewise::simulate
